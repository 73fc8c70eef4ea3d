import { QUARANTINE_KEY, recordsOf } from '../kubernetes/node-facts.ts'
import type { KubernetesObject } from '../kubernetes/object.ts'
import { isRecord } from '../kubernetes/read-object.ts'
import { withStatus, type Statement } from './conditions.ts'
import type { Mitigation, MitigationSpec, TargetStatus } from './mitigation.ts'

type Effect = NonNullable<MitigationSpec['node']>['effect']

/** Effects that are wanted on a node, each with the label value of the mitigation that wants it; none: it is to be as it was. */
export type WantedEffects = ReadonlyMap<Effect, string>

/** In the annotation: what the node was like before. */
const [WAS_CORDONED, WAS_OPEN] = ['was-cordoned', 'was-open']

/**
 * The node as it should be, or null where it is. Taints of others stay; what it was like before stands in an annotation until it
 * is taken back, so that a node that was cordoned stays so. To be written with the version that was read, for the list of
 * taints is one value.
 *
 *     wanted | annotation   | node after
 *     some   | absent       | our taints, cordoned; the annotation says what it was
 *     some   | any          | our taints, cordoned; the annotation as it is
 *     none   | was-open     | no taint of ours, open
 *     none   | was-cordoned | no taint of ours, cordoned still
 *     none   | absent       | no taint of ours; else as it is
 */
export function quarantinedNode (node: KubernetesObject, wanted: WantedEffects): KubernetesObject | null {
  const spec = isRecord(node['spec']) ? node['spec'] : {}
  const { [QUARANTINE_KEY]: before, ...annotations } = node.metadata.annotations ?? {}
  const taints = recordsOf(spec, 'taints')
  const others = taints.filter(({ key }) => key !== QUARANTINE_KEY)
  const ours = [...wanted].map(([effect, value]) => taints.find((taint) => taint['key'] === QUARANTINE_KEY && taint['effect'] === effect) ?? { key: QUARANTINE_KEY, value, effect })
  const cordoned = spec['unschedulable'] === true
  const isWanted = wanted.size > 0
  const unschedulable = isWanted || (cordoned && before !== WAS_OPEN)
  const kept = isWanted ? { [QUARANTINE_KEY]: before ?? (cordoned ? WAS_CORDONED : WAS_OPEN) } : {}
  if (cordoned === unschedulable && others.length + ours.length === taints.length && ours.every((taint) => taints.includes(taint)) && (before !== undefined) === isWanted) return null
  const { taints: _taints, unschedulable: _unschedulable, ...rest } = spec
  return {
    ...node,
    metadata: { ...node.metadata, annotations: { ...annotations, ...kept } },
    spec: { ...rest, ...(unschedulable && { unschedulable }), ...(others.length + ours.length > 0 && { taints: [...others, ...ours] }) },
  }
}

/** Whether anything of ours is on the node. */
export const isTouched = (node: KubernetesObject): boolean =>
  Object.hasOwn(node.metadata.annotations ?? {}, QUARANTINE_KEY) || recordsOf(node['spec'], 'taints').some(({ key }) => key === QUARANTINE_KEY)

/** What became of a quarantine on its node. */
export type NodeAnswer =
  | { readonly outcome: 'programmed', readonly version: string }
  | { readonly outcome: 'needed', readonly message: string }
  | { readonly outcome: 'failed', readonly message: string }

/**
 *     answer     | Programmed          | Degraded
 *     programmed | True, Acknowledged  | False
 *     needed     | False, NodeNeeded   | True, NodeNeeded
 *     failed     | False, Rejected     | True, Rejected
 *
 * Level-based; what is simulated or has ended is returned as it is. A taint is no denial, so nothing is Enforcing.
 */
export function withNodeAnswer (mitigation: Mitigation, answer: NodeAnswer, nowMs: number): Mitigation {
  const { spec: { node }, status } = mitigation
  if (node === undefined || status.phase !== 'active' || status.simulated) return mitigation
  const done = answer.outcome === 'programmed'
  const reason = done ? 'Acknowledged' : answer.outcome === 'needed' ? 'NodeNeeded' : 'Rejected'
  const message = done ? `Node ${node.name} is tainted with ${node.effect} and cordoned.` : answer.message
  const statements: Statement[] = [
    { type: 'Programmed', status: done ? 'True' : 'False', reason, message },
    { type: 'Degraded', status: done ? 'False' : 'True', reason, message },
  ]
  const target: TargetStatus = { target: `node/${node.name}`, state: done ? 'programmed' : 'rejected', version: done ? answer.version : '', message: done ? '' : message }
  return withStatus(mitigation, statements, { targets: [target] }, nowMs)
}
