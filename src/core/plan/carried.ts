import { isLarger } from '../mitigation/escalation.ts'
import type { MitigationSpec } from '../mitigation/mitigation.ts'
import type { Pod } from '../pod.ts'
import { choosePolicies, optionsOf, formOf, type Choice, type Placing } from './choose-policies.ts'
import type { PlanCheck } from './check-plan.ts'
import { labelPatch, planned } from './objects.ts'
import type { ClusterKnowledge, Plan, PlanContext } from './plan.ts'
import type { PlannedObject } from './objects.ts'
import { policyTarget } from './policy-object.ts'
import { NOTHING_RENDERED, renderPolicies, type Rendered, type RenderGround } from './render-policies.ts'

/** A denial that is wanted, before anybody knows what carries it. */
export interface Denial {
  readonly spec: MitigationSpec
  readonly placing: Placing
  readonly context: PlanContext
  readonly source: Pod
  /** A sentence without its end. */
  readonly what: string
  readonly undo: string
}

const ADDS_UP = `NetworkPolicies add up: this one cuts by leaving out, so any other policy that selects the pod and allows the same
traffic takes its effect away. It is to be checked against all policies of the namespace before it is applied.`
const CHECKED = 'Checked against all policies and pods of the cluster: with it they cut what it claims and open nothing.'

/**
 * What carries a denial: NetworkPolicies, the smallest that do it; else the proxies; and where there are none of those, nothing.
 *
 *     cluster   | an option cuts it | proxies that can | plan
 *     none      | -                 | -                | planned as its direction says, unchecked
 *     connected | yes               | -                | RuleMatched, with its policies
 *     connected | no                | all              | RuleMatched, by the proxies alone
 *     connected | no                | some             | CannotEnforce, as far as the proxies go
 *     connected | no                | none             | refused, with what is the matter with the smallest option
 *
 * Proxies that can: those of all its victims, or the subject's own where it denies an address outside. Where some victim lacks one, the
 * subject's own counts beside the others', for the pod that is restricted can walk around it.
 */
export function carried (denial: Denial): Plan {
  const { spec, placing, context, source, what, undo } = denial
  const { cluster } = context
  const around: RenderGround = { byUid: (uid) => context.pods.find((pod) => pod.uid === uid) ?? null, spared: context.spared, inForce: context.inForce, ...(cluster?.known === true && cluster.selectors !== undefined && { selectors: cluster.selectors }) }
  const base = { blastRadius: [source], subject: source, undo } as const
  const all = optionsOf(spec, placing, cluster?.known === true ? cluster.ground.cluster.plugin : 'most')
  const { beyond } = context
  const options = beyond === undefined ? all : all.filter((option) => isLarger(option, beyond))
  if (cluster === undefined) {
    const rendered = renderPolicies(context.mitigation, { ...spec, policies: [...options.at(-1) ?? []] }, around)
    return { ...base, spec, ...objectsOf(rendered, ADDS_UP), reason: 'RuleMatched', message: `${what}.` }
  }
  const choice: Choice = cluster.known ? choosePolicies(context.mitigation, spec, options, cluster.ground, cluster.seen(endsOf(spec)), around) : { taken: null, tried: [], untried: [] }
  const refused = choice.tried.filter((option) => option !== choice.taken).map(({ policies, check }) => `Not by ${formOf(policies)}: ${check.message}`)
  if (choice.taken !== null) {
    const { policies, rendered, check } = choice.taken
    return { ...base, spec: { ...spec, policies: [...policies] }, ...objectsOf(rendered, CHECKED), reason: 'RuleMatched', message: [`${what}, by ${formOf(policies)}.`, ...besideOf(check), ...refused, ...unjudgedIn(cluster)].join(' ') }
  }
  const why = cluster.known ? refused.length > 0 ? refused : ['No NetworkPolicy can stand there.'] : [`No NetworkPolicy: ${cluster.why}`]
  const [able, most] = proxiesOf(spec, context)
  if (able === 0) return { ...base, ...objectsOf(NOTHING_RENDERED, CHECKED), spec: null, blastRadius: [], reason: choice.tried[0]?.check.reason ?? 'CannotEnforce', message: ['Nothing here can carry this denial.', ...why].join(' '), undo: 'Nothing was done, so there is nothing to undo.' }
  const whole = able === most
  const told = whole ? `${what}, by proxies alone.` : `${what}, by proxies alone, and only ${able} of ${most} pods have one.`
  return { ...base, spec, ...objectsOf(NOTHING_RENDERED, CHECKED), reason: whole ? 'RuleMatched' : 'CannotEnforce', message: [told, ...why].join(' ') }
}

/** Ways to and from nodes that go as well, as under Cilium, whose blocks of addresses list no node. */
function besideOf ({ cuts: { listed } }: PlanCheck): string[] {
  const [first, ...more] = listed.filter(({ source, destination }) => [source, destination].some((end) => end.startsWith('node (')))
  return first === undefined ? [] : [`With this network plugin it also cuts ${first.source} to ${first.destination}${more.length === 0 ? '' : ` and ${more.length} more ways of nodes`}: an API server that runs on a node is among them.`]
}

const MOST_NAMED = 3

/** That other policies hold beside those that the check knows. */
function unjudgedIn (cluster: ClusterKnowledge): string[] {
  const names = cluster.known ? cluster.unjudged ?? [] : []
  if (names.length === 0) return []
  const more = names.length - MOST_NAMED
  return [`Not judged ${names.length === 1 ? 'is 1 policy' : `are ${names.length} policies`} of others in Cilium's own language (${names.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}): what they keep closed counts as open.`]
}

/** How many of the pods at which it could be held have a proxy, and of how many. */
export function proxiesOf ({ victims, subject, direction }: MitigationSpec, { pods }: PlanContext): readonly [number, number] {
  const proxied = new Set(pods.flatMap(({ uid, proxy }) => proxy == null ? [] : [uid]))
  const atVictims = victims.filter(({ uid }) => proxied.has(uid)).length
  const own = direction !== 'ingress' && subject !== 'anySource' && proxied.has(subject.uid)
  if (victims.length === 0) return [own ? 1 : 0, 1]
  return [atVictims < victims.length && own ? atVictims + 1 : atVictims, atVictims < victims.length && own ? victims.length + 1 : victims.length]
}

/** The pods whose traffic it may change, by UID. */
export const endsOf = ({ subject, victims }: MitigationSpec): string[] => [...subject === 'anySource' ? [] : [subject.uid], ...victims.map(({ uid }) => uid)]

/** Labels first: until the pods have them, the policies would select nobody. */
function objectsOf ({ labelled, policies }: Rendered, comment: string): Pick<Plan, 'objects' | 'targets'> {
  const objects: PlannedObject[] = [...labelled.map(labelPatch).filter((patch) => patch !== null), ...policies.map((policy) => planned(policy.kind, policy, comment))]
  return { objects, targets: policies.map(({ kind, metadata: { name, namespace = '' } }) => policyTarget(kind, `${namespace}/${name}`)) }
}
