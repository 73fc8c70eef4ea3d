import { EVERY_POD, type MitigationSpec, type PolicyPlace } from '../mitigation/mitigation.ts'
import type { Pod } from '../pod.ts'
import { objectName } from './names.ts'
import { denyPolicy, type NetworkPolicy, type Other } from './network-policy.ts'
import { ownedMeta } from './objects.ts'

/** What carries a mitigation in the API server. */
export interface Rendered {
  /** Each needs the label of its UID: without it the policies would select it no more, or not leave it out. */
  readonly labelled: readonly Pod[]
  readonly policies: readonly NetworkPolicy[]
}

export interface RenderGround {
  /** Null for a pod that is gone. */
  readonly byUid: (uid: string) => Pod | null
  /** Namespaces that even a denial of everybody leaves open to the pod: name service, control plane and ourselves. */
  readonly spared: readonly string[]
}

export const NOTHING_RENDERED: Rendered = { labelled: [], policies: [] }

/**
 * The objects of a mitigation on the pods of now, by its `policies` alone. None where the subject is no pod or is gone, or where nobody
 * is left whom it could be kept from: a policy that lists everybody restricts nothing.
 *
 *     policies  | other ends                                                                             | policy
 *     egress    | its victims, its destinations, or everybody where every pod is meant                     | on the subject
 *     ingress   | the subject                                                                            | on the victims, one in each of their namespaces
 *     ingress   | everybody is meant, or destinations                                                    | none: there is nobody to stand in front of
 *     isolation | everybody                                                                              | on the subject, both ways
 */
export function renderPolicies (name: string, spec: MitigationSpec, { byUid, spared }: RenderGround): Rendered {
  const { subject, victims, destinations, workloads = [], ports, policies: places = [] } = spec
  const source = subject === 'anySource' ? null : byUid(subject.uid)
  if (source === null) return NOTHING_RENDERED
  const meant = workloads.includes(EVERY_POD)
  const targets = meant ? [] : victims.flatMap(({ uid }) => byUid(uid) ?? [])
  const other: Other | null = destinations !== undefined ? { addresses: destinations } : meant ? { everybodyBut: spared } : targets.length > 0 ? { pods: targets } : null
  const meta = (place: string, namespace: string) => ownedMeta(objectName(name, place), namespace, name, spec)
  const byNamespace = Map.groupBy(targets, ({ namespace }) => namespace)
  const policiesAt: Readonly<Record<PolicyPlace, () => NetworkPolicy[]>> = {
    egress: () => other === null ? [] : [denyPolicy(meta('egress', source.namespace), [source], 'egress', other, ports)],
    ingress: () => [...byNamespace].map(([namespace, pods]) => denyPolicy(meta('ingress', namespace), pods, 'ingress', { pods: [source] }, ports)),
    isolation: () => [denyPolicy(meta('isolation', source.namespace), [source], 'both', { everybodyBut: spared }, 'any')],
  }
  const policies = places.flatMap((place) => policiesAt[place]())
  return policies.length === 0 ? NOTHING_RENDERED : { labelled: [source, ...places.includes('isolation') ? [] : targets], policies }
}
