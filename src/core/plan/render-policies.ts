import { releasedKeys, type PodSelectors } from '../isolation/released-labels.ts'
import { EVERY_POD, type MitigationSpec, type PolicyPlace } from '../mitigation/mitigation.ts'
import type { Pod } from '../pod.ts'
import { objectName } from './names.ts'
import { ciliumDenial } from './cilium-policy.ts'
import { denyPolicy, type Denial, type Other } from './network-policy.ts'
import { ownedMeta } from './objects.ts'
import type { PolicyObject } from './policy-object.ts'

/** What carries a mitigation in the API server. */
export interface Rendered {
  /** Each needs its label (`identityLabel`): without it the policies would select it no more, or not leave it out. */
  readonly labelled: readonly Pod[]
  readonly policies: readonly PolicyObject[]
}

export interface Carried {
  readonly name: string
  readonly spec: MitigationSpec
}

export interface RenderGround {
  /** Null for a pod that is gone. */
  readonly byUid: (uid: string) => Pod | null
  /** Namespaces that even a denial of everybody leaves open to the pod: name service, control plane and ourselves. */
  readonly spared: readonly string[]
  /** Mitigations that policies carry now. What they deny to a pod, every policy of ours on that pod leaves out, or they would lift each other. */
  readonly inForce: readonly Carried[]
  /** Absent where no pod can be taken out of its Services. */
  readonly selectors?: SelectorsOf
}

/** What finds pods in a namespace. */
export type SelectorsOf = (namespace: string) => PodSelectors

export const NOTHING_RENDERED: Rendered = { labelled: [], policies: [] }

/**
 * The objects of a mitigation on the pods of now, by its `policies` and those in force. None where the subject is no pod or is gone, or
 * where nobody is left whom it could be kept from: a policy that lists everybody restricts nothing.
 *
 *     policies  | other ends                                                         | policy
 *     egress    | its victims, its destinations, or everybody where every pod is meant | on the subject
 *     ingress   | the subject                                                        | on the victims, one in each of their namespaces to which the same is denied
 *     ingress   | everybody is meant, or destinations                                | none: there is nobody to stand in front of
 *     isolation | everybody                                                          | on the subject, both ways
 *
 * `egress-deny` and `ingress-deny` have the same ends. What they deny no other policy allows, so each denies its mitigation's own alone.
 */
export function renderPolicies (name: string, spec: MitigationSpec, ground: RenderGround): Rendered {
  const source = subjectOf(spec, ground)
  if (source === null) return NOTHING_RENDERED
  const { policies: places = [] } = spec
  const targets = targetsOf(spec, ground)
  const all = [{ name, spec }, ...ground.inForce.filter((other) => other.name !== name)]
  const meta = (place: string, namespace: string) => ownedMeta(objectName(name, place), namespace, name, spec)
  const policiesAt: Readonly<Record<PolicyPlace, () => PolicyObject[]>> = {
    egress: () => outwardOf(spec, ground) === null ? [] : [denyPolicy(meta('egress', source.namespace), [source], 'egress', egressDenials(source, all, ground))],
    ingress: () => ingressGroups(targets, all, ground).map(({ pods, denials }, at) => denyPolicy(meta(at === 0 ? 'ingress' : `ingress-${at}`, pods[0]?.namespace ?? ''), pods, 'ingress', denials)),
    isolation: () => [denyPolicy(meta('isolation', source.namespace), [source], 'both', [{ other: { everybodyBut: ground.spared }, ports: 'any' }])],
    'egress-deny': () => {
      const other = outwardOf(spec, ground)
      return other === null ? [] : [ciliumDenial(meta('egress-deny', source.namespace), [source], 'egress', { other, ports: spec.ports })]
    },
    'ingress-deny': () => [...Map.groupBy(targets, ({ namespace }) => namespace)].map(([namespace, pods], at) =>
      ciliumDenial(meta(at === 0 ? 'ingress-deny' : `ingress-deny-${at}`, namespace), pods, 'ingress', { other: { pods: [source] }, ports: spec.ports })),
  }
  const policies = places.flatMap((place) => policiesAt[place]())
  return policies.length === 0 ? NOTHING_RENDERED : { labelled: [source, ...places.includes('isolation') ? [] : targets], policies }
}

/** The pod that a mitigation takes labels from, by UID, with their keys; none where it takes none. */
export function releaseOf (spec: MitigationSpec, ground: RenderGround): ReadonlyMap<string, readonly string[]> {
  const pod = subjectOf(spec, ground)
  if (pod === null || spec.relabel === undefined || spec.policies?.includes('isolation') !== true || ground.selectors === undefined) return new Map()
  return new Map([[pod.uid, releasedKeys(pod, spec.relabel, ground.selectors(pod.namespace))]])
}

const subjectOf = ({ subject }: MitigationSpec, { byUid }: RenderGround): Pod | null => subject === 'anySource' ? null : byUid(subject.uid)
const isMeantForAll = ({ workloads = [] }: MitigationSpec): boolean => workloads.includes(EVERY_POD)
const targetsOf = (spec: MitigationSpec, { byUid }: RenderGround): Pod[] => isMeantForAll(spec) ? [] : spec.victims.flatMap(({ uid }) => byUid(uid) ?? [])

/** Whom the subject is kept from; null where nobody of them is left. */
function outwardOf (spec: MitigationSpec, ground: RenderGround): Other | null {
  if (spec.destinations !== undefined) return { addresses: spec.destinations }
  if (isMeantForAll(spec)) return { everybodyBut: ground.spared }
  const pods = targetsOf(spec, ground)
  return pods.length > 0 ? { pods } : null
}

/** All that is denied to a pod on its way out. */
function egressDenials ({ uid }: Pod, all: readonly Carried[], ground: RenderGround): Denial[] {
  return all.flatMap(({ spec }): Denial[] => {
    if (spec.subject === 'anySource' || spec.subject.uid !== uid || spec.policies === undefined) return []
    if (spec.policies.includes('isolation')) return [{ other: { everybodyBut: ground.spared }, ports: 'any' }]
    if (!spec.policies.includes('egress')) return []
    const other = outwardOf(spec, ground)
    return other === null ? [] : [{ other, ports: spec.ports }]
  })
}

/** Pods to which the same is denied, together; of one namespace each. */
function ingressGroups (targets: readonly Pod[], all: readonly Carried[], ground: RenderGround): { readonly pods: readonly Pod[], readonly denials: readonly Denial[] }[] {
  const inward = all.flatMap(({ spec }): { victims: ReadonlySet<string>, denial: Denial }[] => {
    const source = subjectOf(spec, ground)
    if (source === null || spec.policies === undefined) return []
    if (spec.policies.includes('isolation')) return [{ victims: new Set([source.uid]), denial: { other: { everybodyBut: [] }, ports: 'any' } }]
    return spec.policies.includes('ingress') ? [{ victims: new Set(spec.victims.map(({ uid }) => uid)), denial: { other: { pods: [source] }, ports: spec.ports } }] : []
  })
  const deniedTo = (pod: Pod) => inward.flatMap(({ victims, denial }, at) => victims.has(pod.uid) ? [{ at, denial }] : [])
  const groups = Map.groupBy(targets, (pod) => `${pod.namespace} ${deniedTo(pod).map(({ at }) => at).join()}`)
  return [...groups.values()].map((pods) => ({ pods, denials: pods[0] === undefined ? [] : deniedTo(pods[0]).map(({ denial }) => denial) }))
}
