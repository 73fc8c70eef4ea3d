import { Type, type Static } from 'typebox'
import { Limit } from '../mitigation/mitigation.ts'
import { REASON_CODES } from '../reason.ts'
import { STAGES } from './stages.ts'

const stage = (description: string) => Type.Enum([...STAGES], { description })

const text = (description: string, maxLength = 1024) => Type.String({ maxLength, description })
const count = (description: string) => Type.Integer({ minimum: 0, description })
const closed = { additionalProperties: false } as const

const selector = (description: string) => ({
  namespaces: Type.Array(text('Name of a namespace.', 63), { maxItems: 64, default: [], description: 'Any namespace where the list is empty.' }),
  labels: Type.Record(Type.String(), Type.String({ maxLength: 63 }), { default: {}, description }),
})
export const PodSelector = Type.Object(selector('Labels that such a pod has, all of them.'), { ...closed, description: 'Pods by namespace and labels; all of them where nothing is named.' })
export type PodSelector = Static<typeof PodSelector>

/** What is done about attacks of one class in front of a pod in scope. */
export const RestrictionTemplate = Type.Object({
  name: Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$', maxLength: 63, description: 'Unique in its policy.' }),
  class: text('Class of the detections that it answers, such as BRUTE_FORCE.', 63),
  confidence: Type.Number({ minimum: 0, maximum: 1, default: 0.9, description: 'Detections below it are left alone.' }),
  sources: Type.Optional(PodSelector),
  action: Type.Union([Type.Literal('deny'), Type.Literal('limit')], { description: 'deny lets nothing of the source through, limit a measure.' }),
  limit: Type.Optional(Type.Object(Limit.properties, { ...closed, description: 'The measure of the action limit; each source has its own.' })),
  ports: Type.Optional(Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), { minItems: 1, maxItems: 64, description: 'Destination ports that it concerns; any unless given.' })),
  direction: Type.Union([Type.Literal('ingress'), Type.Literal('egress'), Type.Literal('both')], { default: 'ingress', description: 'Where it is cut: ingress at the victims, egress at the source, both at either.' }),
  ttlSeconds: Type.Integer({ minimum: 1, maximum: 2_592_000, default: 600, description: 'Life of each restriction that follows from it.' }),
}, { ...closed, description: 'What is done about attacks of one class.' })
export type RestrictionTemplate = Static<typeof RestrictionTemplate>

/** A thousand connections hold a share of one in a thousand; ten minutes, a few windows of the slowest detection. */
const DEFAULT_GATES = { minAttempts: 1000, minPodShare: 0.5, minTried: 10, maxLegitimateDenials: 0.001, maxErrorRise: 0.01, minSeconds: 600 } as const

export const Gates = Type.Object({
  minAttempts: Type.Integer({ minimum: 1, maximum: 1_000_000_000, default: DEFAULT_GATES.minAttempts, description: 'Legitimate connections to pods in scope that must be seen in a step.' }),
  minPodShare: Type.Number({ minimum: 0, maximum: 1, default: DEFAULT_GATES.minPodShare, description: 'Share of the pods in scope at which some must be seen.' }),
  minTried: Type.Integer({ minimum: 1, maximum: 1_000_000_000, default: DEFAULT_GATES.minTried, description: 'Attempts that must meet a restriction of the policy in shadow, and again in each canary step. Without any, nothing is known of what it stops.' }),
  maxLegitimateDenials: Type.Number({ minimum: 0, maximum: 1, default: DEFAULT_GATES.maxLegitimateDenials, description: 'Share of the legitimate connections of a step that may be stopped, really or in shadow.' }),
  maxErrorRise: Type.Number({ minimum: 0, maximum: 1, default: DEFAULT_GATES.maxErrorRise, description: 'How much larger the share of failed connections to canary pods may be than that to the others.' }),
  minSeconds: Type.Integer({ minimum: 0, maximum: 2_592_000, default: DEFAULT_GATES.minSeconds, description: 'How long a step lasts at least.' }),
}, { ...closed, default: DEFAULT_GATES, description: 'What must be seen before each step.' })
export type Gates = Static<typeof Gates>

export const MeshPolicySpec = Type.Object({
  scope: Type.Object(PodSelector.properties, { ...closed, default: { namespaces: [], labels: {} }, description: 'Pods in front of which it restricts; all of them where nothing is named.' }),
  restrictions: Type.Array(RestrictionTemplate, { minItems: 1, maxItems: 16, description: 'What is done, by class of the attack.' }),
  target: Type.Enum([...STAGES], { default: 'enforce', description: 'The stage that it shall come to by itself. Lowered, the rollout goes back at once.' }),
  paused: Type.Boolean({ default: false, description: 'It goes no further; going back is not held up.' }),
  canaryShares: Type.Array(Type.Integer({ minimum: 1, maximum: 99 }), { minItems: 1, maxItems: 8, default: [10, 50], description: 'Percent of the pods in scope that enforce, in each step of the canary; taken from the smallest on.' }),
  gates: Gates,
}, { $id: 'MeshPolicySpec', ...closed, description: 'What is restricted in front of whom, and how carefully it is brought in.' })
export type MeshPolicySpec = Static<typeof MeshPolicySpec>

/** Where a rollout is. `share`: percent of the pods in scope that enforce; 0 before the canary, 100 after it. */
export interface Position {
  readonly stage: (typeof STAGES)[number]
  readonly share: number
}

const reason = Type.Enum(REASON_CODES, { description: 'Why, from the closed list of reason codes.' })
const time = (description: string) => Type.String({ format: 'date-time', description })
const share = Type.Integer({ minimum: 0, maximum: 100, description: 'Percent of the pods in scope in front of which it is enforced.' })

export const Group = Type.Object({
  pods: count('Pods in scope that have a proxy.'),
  attempts: count('Legitimate connections to them that their observers saw.'),
  failed: count('Of these, how many failed.'),
  tried: count('Attempts that met a restriction of the policy at their proxies.'),
  stopped: count('Of these, how many of legitimate sources were stopped, or would have been.'),
}, { $id: 'RolloutGroup', ...closed, description: 'What was seen at some of the pods in scope in this step.' })
export type Group = Static<typeof Group>

export const Evidence = Type.Object({
  enforcing: Type.Object(Group.properties, { ...closed, description: 'Pods in front of which it is enforced.' }),
  others: Type.Object(Group.properties, { ...closed, description: 'The other pods in scope: the control group of a canary.' }),
  podsSeen: count('Pods of both at which legitimate connections were seen.'),
  inSync: count('Proxies of both that have taken their newest configuration.'),
  refusal: Type.Optional(text('The words of a proxy that refused a restriction of the policy.', 4096)),
}, { $id: 'RolloutEvidence', ...closed, description: 'What was seen in this step; at its target, in the last hour of it. Recordings count for nothing.' })
export type Evidence = Static<typeof Evidence>

export const Hold = Type.Object({
  by: text('Who holds it: a person, or autoshield.'), reason, message: text('Why, in a sentence.', 4096), at: time('Since when.'),
}, { ...closed, description: 'Why it goes no further until a person resumes it.' })
export type Hold = Static<typeof Hold>

export const RolloutCondition = Type.Object({
  type: Type.Union([Type.Literal('Progressing'), Type.Literal('Degraded')], { description: 'Progressing: it goes on by itself; the reason says what it waits for. Degraded: it paused or went back by itself.' }),
  status: Type.Union([Type.Literal('True'), Type.Literal('False')], { description: 'Whether it is so.' }),
  reason,
  message: text('What is missing or what was seen, in a sentence.', 4096),
  lastTransitionTime: time('When it came to this status.'),
  observedGeneration: Type.Integer({ minimum: 1, description: 'Generation of the spec that it speaks of.' }),
}, { $id: 'RolloutCondition', ...closed, description: 'One thing that is true of the rollout or not.' })
export type RolloutCondition = Static<typeof RolloutCondition>

export const Transition = Type.Object({
  at: time('When.'), actor: text('Who: a person, or autoshield.'), from: text('Stage and share before.', 32), to: text('Stage and share after.', 32), reason, message: text('On what evidence.', 4096),
}, { $id: 'RolloutTransition', ...closed, description: 'One step, forward or back.' })
export type Transition = Static<typeof Transition>

export const MAX_HISTORY = 20
/** Those that are followed; each asks of the detectors what it needs to know, and is looked at every second. */
export const MAX_MESH_POLICIES = 64

export const MeshPolicyStatus = Type.Object({
  stage: stage('observe tells only; shadow counts what would be stopped; canary enforces in front of a share of the pods; enforce in front of all.'),
  share,
  basis: Type.Optional(text('Hash of the scope and the restrictions that what was seen speaks of. Where the spec asks for others, the rollout goes back and counts anew.', 64)),
  since: time('When this step began.'),
  hold: Type.Optional(Hold),
  conditions: Type.Array(RolloutCondition, { maxItems: 2, description: 'How it goes, with the reason.' }),
  evidence: Evidence,
  history: Type.Array(Transition, { maxItems: MAX_HISTORY, description: 'The newest steps, newest first; all of them are in the audit trail.' }),
}, { ...closed, description: 'How far the rollout has come, and why no further.' })
export type MeshPolicyStatus = Static<typeof MeshPolicyStatus>

export const MeshPolicy = Type.Object({
  apiVersion: Type.Literal('autoshield.dev/v1alpha1'),
  kind: Type.Literal('MeshPolicy'),
  metadata: Type.Object({
    name: Type.String(),
    uid: Type.String(),
    generation: Type.Integer({ minimum: 1 }),
    creationTimestamp: Type.String({ format: 'date-time' }),
  }, closed),
  spec: MeshPolicySpec,
  status: MeshPolicyStatus,
}, { $id: 'MeshPolicy', ...closed, description: 'A policy of the mesh and its rollout.' })
export type MeshPolicy = Static<typeof MeshPolicy>
