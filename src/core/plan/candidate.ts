import type { Labels } from '../kubernetes/label-selector.ts'
import type { MitigationSpec, PolicyPlace } from '../mitigation/mitigation.ts'
import { TRANSPORTS } from '../kubernetes/transport.ts'
import { identityLabel } from './pod-mark.ts'
import { POLICY_FORMS } from './policy-object.ts'
import type { Policy } from './reach/policy.ts'
import { ALL_PORTS, portsOf, union, type PortSet } from './reach/port-set.ts'
import type { Rendered } from './render-policies.ts'

/** What a plan would change of who reaches whom. */
export interface Candidate {
  readonly policies: readonly Policy[]
  /** What is added to a pod's labels, by UID. */
  readonly labels: ReadonlyMap<string, Labels>
  /** Keys of labels that are taken from a pod, by UID. */
  readonly released: ReadonlyMap<string, readonly string[]>
}

/** What a plan says that it cuts: every one of these ports from one address to another. */
export interface Claim {
  readonly source: string
  readonly destination: string
  readonly ports: PortSet
}

/** `released`: what mitigations take from their pods, by UID. */
export const candidateOf = ({ labelled, policies }: Rendered, released: Candidate['released']): Candidate => ({
  policies: policies.map((policy) => POLICY_FORMS[policy.kind].read(policy)),
  labels: new Map(labelled.map(identityLabel).flatMap(({ key, value, present }, at) => present ? [] : [[labelled[at]?.uid ?? '', { [key]: value }]])),
  released,
})

/** The subject's ways to its victims and destinations, for an isolation also the ways back; none where the subject is no pod. */
export function claimsOf ({ subject, victims, destinations = [], ports }: MitigationSpec, places: readonly PolicyPlace[]): Claim[] {
  if (subject === 'anySource') return []
  const claimed = ports === 'any' ? ALL_PORTS : union(ports.flatMap((port) => TRANSPORTS.map((protocol) => portsOf({ protocol, first: port, last: port }))))
  const others = [...victims.flatMap(({ addresses }) => addresses), ...destinations]
  return subject.addresses.flatMap((source) => others.filter((destination) => source.includes(':') === destination.includes(':')).flatMap((destination) => [
    { source, destination, ports: claimed },
    ...(places.includes('isolation') ? [{ source: destination, destination: source, ports: claimed }] : []),
  ]))
}
