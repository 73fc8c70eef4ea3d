import { Type, type Static } from 'typebox'
import { TRANSPORTS } from '../kubernetes/transport.ts'
import { PolicyPlace, type MitigationSpec } from '../mitigation/mitigation.ts'
import { REASON_CODES } from '../reason.ts'
import { endsOf } from './carried.ts'
import type { CutFlow, ObservedFlow } from './check-plan.ts'
import { optionsOf, tryOption } from './choose-policies.ts'
import { planned } from './objects.ts'
import type { ClusterKnowledge } from './plan.ts'
import type { PortRange } from './reach/port-set.ts'
import type { RenderGround } from './render-policies.ts'

const closed = { additionalProperties: false } as const

/** Flows that stay as they are, of which each option tells. */
const MAX_UNTOUCHED = 100

const flow = {
  source: Type.String({ description: 'Address.' }),
  destination: Type.String({ description: 'Address.' }),
  protocol: Type.Enum([...TRANSPORTS], { description: 'Transport.' }),
  port: Type.Integer({ minimum: 1, maximum: 65_535, description: 'The destination\'s.' }),
  connections: Type.Integer({ minimum: 0, description: 'How many were seen in the last hour.' }),
}
const Cut = Type.Object({ ...flow, claimed: Type.Boolean({ description: 'It is what shall be stopped; else it is what this costs.' }) }, closed)

const Option = Type.Object({
  policies: Type.Array(PolicyPlace, { description: 'Where NetworkPolicies would stand.' }),
  state: Type.Union([Type.Literal('taken'), Type.Literal('refused'), Type.Literal('not-needed')], { description: 'taken: it carries the mitigation. refused: it does not cut what it should, or opens something. not-needed: it would do, and another one does.' }),
  reason: Type.Enum(REASON_CODES, { description: 'What the check on all policies and pods of now came to.' }),
  message: Type.String({ description: 'Why, with names.' }),
  objects: Type.Array(Type.String(), { description: 'Its NetworkPolicies, one YAML document each.' }),
  cuts: Type.Object({
    total: Type.Integer({ minimum: 0, description: 'Pairs of ends that reach each other less.' }),
    listed: Type.Array(Type.Object({ source: Type.String(), destination: Type.String(), ports: Type.String({ description: 'As TCP 22, UDP 1-65535.' }) }, closed), { description: 'The first of them.' }),
  }, { ...closed, description: 'What would not be reached any more.' }),
  flows: Type.Array(Cut, { description: 'Flows that were seen and would be cut.' }),
  cost: Type.Integer({ minimum: 0, description: 'Connections among them that nobody means to stop.' }),
  untouched: Type.Object({
    flows: Type.Integer({ minimum: 0 }),
    connections: Type.Integer({ minimum: 0, description: 'How many of them were seen in the last hour.' }),
    listed: Type.Array(Type.Object(flow, closed), { description: 'The first of them, most connections first.' }),
  }, { ...closed, description: 'Flows of the same pods that were seen and that it does not cut.' }),
}, closed)

/** What each way of carrying a mitigation by NetworkPolicies does, reckoned on the policies and pods of now. */
export const PlanEffect = Type.Object({
  mitigation: Type.String({ description: 'Name of the mitigation.' }),
  unjudged: Type.Array(Type.String(), { description: 'Policies of others in Cilium\'s own language, with their kind, that hold beside and are not judged: what they keep closed counts as open.' }),
  options: Type.Array(Option, { description: 'From the smallest to the largest, as far as the rule\'s direction allows.' }),
}, { $id: 'PlanEffect', ...closed, description: 'What NetworkPolicies do, or would do, for a mitigation.' })
export type PlanEffect = Static<typeof PlanEffect>

/** Throws what `checkPlan` throws. */
export function effectOf (name: string, spec: MitigationSpec, { ground, seen, unjudged = [] }: Extract<ClusterKnowledge, { known: true }>, around: RenderGround): PlanEffect {
  const carried = spec.policies?.join() ?? ''
  const flows = seen(endsOf(spec))
  const options = optionsOf(spec, spec.policies?.includes('isolation') === true ? 'isolation' : 'by-direction', ground.cluster.plugin).map((policies): PlanEffect['options'][number] => {
    const { rendered, check: { reason, message, cuts, cutFlows, cost } } = tryOption(name, spec, policies, ground, flows, around)
    return {
      policies: [...policies],
      state: policies.join() === carried ? 'taken' : reason === 'RuleMatched' ? 'not-needed' : 'refused',
      reason,
      message,
      objects: rendered.policies.map((policy) => planned(policy.kind, policy, `For mitigation ${name}.`).yaml),
      cuts: { total: cuts.total, listed: cuts.listed.map(({ source, destination, ports }) => ({ source, destination, ports: ports.map(words).join(', ') })) },
      flows: cutFlows.map(({ flow: cut, claimed }) => ({ ...told(cut), claimed })),
      cost,
      untouched: untouchedBy(cutFlows, flows),
    }
  })
  return { mitigation: name, unjudged: [...unjudged], options }
}

const told = ({ source, destination, protocol, port, connections }: ObservedFlow): ObservedFlow => ({ source, destination, protocol, port, connections })

function untouchedBy (cutFlows: readonly CutFlow[], seen: readonly ObservedFlow[]): PlanEffect['options'][number]['untouched'] {
  const cut = new Set(cutFlows.map(({ flow: each }) => each))
  const rest = seen.filter((each) => !cut.has(each)).sort((a, b) => b.connections - a.connections)
  return { flows: rest.length, connections: rest.reduce((sum, { connections }) => sum + connections, 0), listed: rest.slice(0, MAX_UNTOUCHED).map(told) }
}

const words = ({ protocol, first, last }: PortRange): string => `${protocol} ${first === last ? first : `${first}-${last}`}`
