import { parse } from 'yaml'
import type { Labels } from '../kubernetes/label-selector.ts'
import type { MitigationSpec } from '../mitigation/mitigation.ts'
import type { Action } from '../policy/rule.ts'
import { TRANSPORTS } from '../kubernetes/transport.ts'
import type { Plan } from './plan.ts'
import type { Policy } from './reach/policy.ts'
import { ALL_PORTS, portsOf, union, type PortSet } from './reach/port-set.ts'
import { readPolicy } from './reach/read-policy.ts'

/** What a plan would change of what NetworkPolicies depend on. */
export interface Candidate {
  readonly policies: readonly Policy[]
  /** What is added to a pod's labels, by UID. */
  readonly labels: ReadonlyMap<string, Labels>
}

/** What a plan says that it cuts: every one of these ports from one address to another. */
export interface Claim {
  readonly source: string
  readonly destination: string
  readonly ports: PortSet
}

export function candidateOf ({ objects }: Pick<Plan, 'objects'>): Candidate {
  const of = (kind: string): unknown[] => objects.filter((object) => object.kind === kind).map(({ yaml }) => parse(yaml) as unknown)
  const patches = of('Pod') as { metadata: { uid: string, labels: Labels } }[] // ours: labelPatch makes them
  return { policies: of('NetworkPolicy').map(readPolicy), labels: new Map(patches.map(({ metadata: { uid, labels } }) => [uid, labels])) }
}

/** The subject's ways to its victims and destinations, for an isolation also the ways back; none where the subject is no pod. */
export function claimsOf (action: Action['type'], { subject, victims, destinations = [], ports }: MitigationSpec): Claim[] {
  if (subject === 'anySource') return []
  const claimed = ports === 'any' ? ALL_PORTS : union(ports.flatMap((port) => TRANSPORTS.map((protocol) => portsOf({ protocol, first: port, last: port }))))
  const others = [...victims.flatMap(({ addresses }) => addresses), ...destinations]
  return subject.addresses.flatMap((source) => others.filter((destination) => source.includes(':') === destination.includes(':')).flatMap((destination) => [
    { source, destination, ports: claimed },
    ...(action === 'pod_isolation' ? [{ source: destination, destination: source, ports: claimed }] : []),
  ]))
}
