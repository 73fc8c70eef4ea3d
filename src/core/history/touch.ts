import { selects } from '../kubernetes/label-selector.ts'
import { workloadKey } from '../pod.ts'
import { EVERY_POD } from '../mitigation/mitigation.ts'
import type { Plan } from '../plan/plan.ts'
import type { Pod } from '../pod.ts'
import type { Action, Ports } from '../policy/rule.ts'
import { transportOf, type FlowEnd, type FlowRecord } from './flow-record.ts'
import { standsIn } from './through-services.ts'

/** Which traffic a restriction changes. */
export type Touch =
  | { readonly kind: 'way', readonly source: Pod, readonly victims: readonly Pod[], readonly addresses: readonly string[], readonly ports: Ports }
  | { readonly kind: 'outward', readonly source: Pod, readonly spared: readonly string[], readonly ports: Ports }
  | { readonly kind: 'isolated', readonly pod: Pod, readonly spared: readonly string[] }
  | { readonly kind: 'inward', readonly victims: readonly Pod[], readonly ports: Ports }
  | { readonly kind: 'gone', readonly pods: readonly Pod[] }

export interface TouchGround {
  /** Pods of the moment of the plan. */
  readonly pods: readonly Pod[]
  /** Pods that were not there yet. */
  readonly later: readonly Pod[]
  /** Namespaces that a denial of everybody leaves open. */
  readonly spared: readonly string[]
}

/**
 * What a plan would change of traffic; null where that is nothing.
 *
 *     plan                                 | action        | touches
 *     an eviction, or of a node            | -             | all of the pods that it ends; nothing where it ends none
 *     no spec                              | -             | nothing
 *     of any source                        | -             | what comes to its victims
 *     of a pod                             | pod_isolation | all of the pod, both ways
 *     of a pod, in front of every pod      | any other     | what goes out of it
 *     of a pod, in front of some           | any other     | what goes from it to its victims, and those that join them, and its addresses
 */
export function touchOf ({ spec, errand, blastRadius, subject }: Plan, action: Action, { pods, later, spared }: TouchGround): Touch | null {
  if (errand?.type === 'eviction' || spec?.action === 'quarantine') return blastRadius.length === 0 ? null : { kind: 'gone', pods: blastRadius }
  if (spec === null || subject === null) return null
  const { victims, workloads = [], destinations = [], ports } = spec
  const named = new Set(victims.map(({ uid }) => uid))
  const meant = pods.filter(({ uid }) => named.has(uid))
  if (subject === 'anySource') return { kind: 'inward', victims: meant, ports }
  if (action.type === 'pod_isolation') return { kind: 'isolated', pod: subject, spared }
  if (workloads.includes(EVERY_POD)) return { kind: 'outward', source: subject, spared, ports }
  const joined = later.filter((pod) => pod.uid !== subject.uid && workloads.includes(workloadKey(pod) ?? ''))
  return { kind: 'way', source: subject, victims: [...meant, ...joined], addresses: destinations, ports }
}

/** Pods without which it touches nothing: one of them is at an end of each flow. */
export function podsOf (touch: Touch): readonly Pod[] {
  switch (touch.kind) {
    case 'way':
    case 'outward': return [touch.source]
    case 'isolated': return [touch.pod]
    case 'inward': return touch.victims
    case 'gone': return touch.pods
  }
}

/**
 * Whether a flow between two ends is among what is touched. A flow to a Service whose pods told nothing is, where one of them would be.
 *
 *     ends are touched | by a pod that is gone | of TCP, UDP or SCTP | of some ports | port was named | touched
 *     no               | -                     | -                   | -             | -              | no
 *     yes              | yes                   | -                   | -             | -              | yes
 *     yes              | no                    | no                  | -             | -              | unknown: neither proxies nor policies speak of it
 *     yes              | no                    | yes                 | no            | -              | yes
 *     yes              | no                    | yes                 | yes           | no             | unknown
 *     yes              | no                    | yes                 | yes           | yes            | if it is one of them
 */
export function touches (touch: Touch, { source, destination, protocol, port }: FlowRecord): 'yes' | 'no' | 'unknown' {
  if (!endsTouched(touch, source, destination)) return 'no'
  if (touch.kind === 'gone') return 'yes'
  if (transportOf(protocol) === null) return 'unknown'
  const ports = touch.kind === 'isolated' ? 'any' : touch.ports
  if (ports === 'any') return 'yes'
  if (port === 0) return 'unknown'
  return ports.includes(port) ? 'yes' : 'no'
}

function endsTouched (touch: Touch, source: FlowEnd, destination: FlowEnd): boolean {
  const isSpared = (spared: readonly string[]): boolean => destination.pod !== null && spared.includes(destination.pod.namespace)
  switch (touch.kind) {
    case 'way': return isOne([touch.source], source) && (isOne(touch.victims, destination) || touch.addresses.includes(destination.address))
    case 'outward': return isOne([touch.source], source) && !isSpared(touch.spared)
    case 'isolated': return isOne([touch.pod], destination) || (isOne([touch.pod], source) && !isSpared(touch.spared))
    case 'inward': return isOne(touch.victims, destination)
    case 'gone': return isOne(touch.pods, source) || isOne(touch.pods, destination)
  }
}

const isOne = (pods: readonly Pod[], { pod: end }: FlowEnd): boolean => end !== null && pods.some(({ uid, namespace, labels }) =>
  uid === end.uid || (standsIn(end) && namespace === end.namespace && selects({ matchLabels: end.labels }, labels)))
