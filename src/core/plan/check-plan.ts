import { matcherOf, type Labels } from '../kubernetes/label-selector.ts'
import type { Pod } from '../pod.ts'
import type { ReasonCode } from '../reason.ts'
import type { Candidate, Claim } from './candidate.ts'
import { differences, type Changes, type Touched } from './reach/differences.ts'
import { policyKey } from './reach/policy.ts'
import { hasPort, intersection, portRanges } from './reach/port-set.ts'
import { Reach, type Cluster } from './reach/reach.ts'
import type { Flow } from './reach/verdict.ts'

/** Conversations that were seen, of one kind. */
export interface ObservedFlow extends Flow {
  /** How many. */
  readonly connections: number
}

export interface CutFlow {
  readonly flow: ObservedFlow
  /** The plan says that it cuts this; else it is what the plan costs. */
  readonly claimed: boolean
}

export interface PlanCheck {
  /**
   * RuleMatched: it cuts what it claims and opens nothing. OpensTraffic: it would open something. AddsUp: other policies still allow
   * what it claims to cut. CannotEnforce: no policy can cut that, or none of the plan's would.
   */
  readonly reason: Extract<ReasonCode, 'RuleMatched' | 'OpensTraffic' | 'AddsUp' | 'CannotEnforce'>
  /** Why, with names, in a sentence. */
  readonly message: string
  /** What is reached afterwards and not now, and now and not afterwards, between pods and to and from outside. */
  readonly opens: Changes
  readonly cuts: Changes
  /** Of the flows that were seen and pass now, those that would not. */
  readonly cutFlows: readonly CutFlow[]
  /** Connections among those that the plan does not claim to cut. */
  readonly cost: number
}

/** Who reaches whom now; kept from plan to plan while nothing changes. */
export interface Ground {
  readonly cluster: Cluster
  /** Of `cluster`. */
  readonly reach: Reach
}

/** `last`: what was known before; where only pods and nodes are others since, the policies need not be read again. */
export function groundOf (cluster: Cluster, last: Ground | null = null): Ground {
  const { namespaces, policies, plugin } = cluster
  const same = last !== null && last.cluster.namespaces === namespaces && last.cluster.policies === policies && last.cluster.plugin === plugin
  return { cluster, reach: same ? last.reach.among(cluster) : new Reach(cluster) }
}

/** A plan that is checked again finds its own policies stored. */
function withoutOwn ({ cluster, reach }: Ground, own: ReadonlySet<string>): Reach {
  const others = cluster.policies.filter((policy) => !own.has(policyKey(policy)))
  return others.length === cluster.policies.length ? reach : new Reach({ ...cluster, policies: others })
}

/**
 * What a plan's policies would do, reckoned from all policies before and after on the pods of now. Every pair that can change has an
 * end that a new policy selects, or one whose labels change where some policy asks for such a label, so only the pairs of those are compared: on every port, with every other
 * pod, and with every set of outside addresses that a policy tells apart. Throws what `Reach` throws.
 *
 *     opens something | every claim is cut | what lets the rest pass         | reason
 *     yes             | -                  | -                               | OpensTraffic
 *     no              | yes                | -                               | RuleMatched
 *     no              | no                 | policies, where its own isolate | AddsUp
 *     no              | no                 | anything else                   | CannotEnforce
 */
export function checkPlan (ground: Ground, candidate: Candidate, claims: readonly Claim[], seen: readonly ObservedFlow[]): PlanCheck {
  const own = new Set(candidate.policies.map(policyKey))
  const before = withoutOwn(ground, own)
  const { pods } = ground.cluster
  const changed = new Map(pods.flatMap((pod) => {
    const labels = labelsAfter(pod, candidate)
    return labels === null ? [] : [[pod, { ...pod, labels }] as const]
  }))
  const after = before.changed(changed, candidate.policies)
  const selectors = candidate.policies.map(({ namespace, pods: selector }) => ({ namespace, matches: matcherOf(selector) }))
  const selected = (pod: Pod): boolean => selectors.some(({ namespace, matches }) => namespace === pod.namespace && matches(pod.labels))
  const isAsked = [...[...candidate.labels.values()].flatMap(Object.keys), ...[...candidate.released.values()].flat()].some((key) => before.asksFor(key))
  const touched = pods.flatMap((was): Touched[] => {
    const is = changed.get(was) ?? was
    if (isAsked && is !== was) return [{ was, is, by: 'labels' }]
    return selected(is) ? [{ was, is, by: 'policies' }] : []
  })
  const { opens, cuts } = differences(before, after, touched)
  const ends = new Set(touched.flatMap(({ was }) => was.addresses))
  const cutFlows = seen.filter((flow) => (ends.has(flow.source) || ends.has(flow.destination)) && before.verdict(flow).allowed && !after.verdict(flow).allowed)
    .map((flow): CutFlow => ({ flow, claimed: claims.some((claim) => covers(claim, flow)) }))
  return {
    ...verdictOf(after, opens, claims, (key) => own.has(key)),
    opens,
    cuts,
    cutFlows,
    cost: cutFlows.reduce((sum, { flow, claimed }) => claimed ? sum : sum + flow.connections, 0),
  }
}

function labelsAfter ({ uid, labels }: Pod, candidate: Candidate): Labels | null {
  const [added, released] = [candidate.labels.get(uid), candidate.released.get(uid)]
  if (added === undefined && released === undefined) return null
  return { ...Object.fromEntries(Object.entries(labels).filter(([key]) => released?.includes(key) !== true)), ...added }
}

const covers = ({ source, destination, ports }: Claim, flow: Flow): boolean =>
  source === flow.source && destination === flow.destination && hasPort(ports, flow.protocol, flow.port)

function verdictOf (after: Reach, opens: Changes, claims: readonly Claim[], isOwn: (key: string) => boolean): Pick<PlanCheck, 'reason' | 'message'> {
  const [opened] = opens.listed
  if (opened !== undefined) {
    return { reason: 'OpensTraffic', message: `NetworkPolicies add up: it would let ${opened.source} reach ${opened.destination}, which other policies keep it from now.` }
  }
  for (const { source, destination, ports } of claims) {
    const [open] = portRanges(intersection(after.ports(source, destination), ports))
    if (open === undefined) continue
    const { egress, ingress } = after.verdict({ source, destination, protocol: open.protocol, port: open.first })
    const way = `${source} still reaches ${destination} on ${open.protocol} ${open.first}`
    const listing = [...after.isolating('egress', source).some(isOwn) ? egress.policies : [], ...after.isolating('ingress', destination).some(isOwn) ? ingress.policies : []]
    return listing.length > 0
      ? { reason: 'AddsUp', message: `NetworkPolicies add up: ${way}, for ${listing.join(' and ')} ${listing.length > 1 ? 'allow' : 'allows'} it.` }
      : { reason: 'CannotEnforce', message: `${way}, and no policy of the plan can cut it (egress ${egress.reason}, ingress ${ingress.reason}).` }
  }
  return { reason: 'RuleMatched', message: 'It cuts what it claims, and opens nothing.' }
}
