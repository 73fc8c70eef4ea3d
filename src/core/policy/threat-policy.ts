import { Type, type Static } from 'typebox'
import { REASON_CODES } from '../reason.ts'
import { WrittenRule } from './rule-schema.ts'

const closed = { additionalProperties: false } as const
const text = (description: string, maxLength = 1024) => Type.String({ maxLength, description })

/** Those that are followed. */
export const MAX_THREAT_POLICIES = 64
const MAX_RULES = 100
export const MAX_PROBLEMS_TOLD = 20

export const ThreatPolicySpec = Type.Object({
  description: Type.Optional(text('What the policy is for.')),
  rules: Type.Array(WrittenRule, { minItems: 1, maxItems: MAX_RULES, description: 'Beside the rules of the policy file and of other policies: each that fires is followed, none goes before another.' }),
}, { $id: 'ThreatPolicySpec', ...closed, description: 'Which detections lead to which actions.' })
export type ThreatPolicySpec = Static<typeof ThreatPolicySpec>

export const ThreatPolicyCondition = Type.Object({
  type: Type.Enum(['Accepted', 'InForce'], { description: 'Accepted: the newest spec was understood. InForce: rules of this policy are judged by.' }),
  status: Type.Enum(['True', 'False'], { description: 'Whether it is so.' }),
  reason: Type.Enum(REASON_CODES, { description: 'Why, from the closed list of reason codes.' }),
  message: text('In a sentence; of what cannot be understood, the first problem.', 4096),
  lastTransitionTime: Type.String({ format: 'date-time', description: 'When it came to this status.' }),
  observedGeneration: Type.Integer({ minimum: 1, description: 'Generation of the spec that it speaks of.' }),
}, { ...closed, description: 'One thing that is true of the policy or not.' })
export type ThreatPolicyCondition = Static<typeof ThreatPolicyCondition>

export const ThreatPolicyStatus = Type.Object({
  rules: Type.Integer({ minimum: 0, description: 'How many rules of it are in force.' }),
  generation: Type.Integer({ minimum: 0, description: 'Generation of the spec that they are of; 0 where none are.' }),
  problems: Type.Array(text('Place, what is wrong there, and the mend.', 2048), { maxItems: MAX_PROBLEMS_TOLD, description: 'All that is wrong with the newest spec.' }),
  conditions: Type.Array(ThreatPolicyCondition, { maxItems: 2, description: 'Whether it was understood and is in force, with the reason.' }),
}, { $id: 'ThreatPolicyStatus', ...closed, description: 'What the controller made of it.' })
export type ThreatPolicyStatus = Static<typeof ThreatPolicyStatus>

/** One as it is stored. The spec is what somebody wrote: `readThreatPolicy` judges it. */
export interface ThreatPolicy {
  readonly metadata: { readonly name: string, readonly uid: string, readonly generation: number, readonly creationTimestamp: string }
  readonly spec: unknown
  /** null: the controller has not looked at it, or it is of another version. */
  readonly status: ThreatPolicyStatus | null
}
