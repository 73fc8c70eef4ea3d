import { Type, type Static } from 'typebox'
import { REASON_CODES } from '../reason.ts'

/** How far a restriction that does not hold may grow, by its rule. */
export const ESCALATIONS = ['none', 'both', 'isolation'] as const
export type Escalation = (typeof ESCALATIONS)[number]

/** Ways of restricting somebody, from the smallest to the largest. */
export const RESTRICTION_SIZES = ['limit', 'proxies', 'egress', 'ingress', 'egress+ingress', 'isolation'] as const
export type RestrictionSize = (typeof RESTRICTION_SIZES)[number]

export const EscalationStatus = Type.Object({
  from: Type.Enum([...RESTRICTION_SIZES], { description: 'How it was carried: by a limit, a denial of proxies alone, or NetworkPolicies at these places.' }),
  to: Type.Enum([...RESTRICTION_SIZES], { description: 'How it is carried since, or would be; as from where nothing larger would do.' }),
  outcome: Type.Union([Type.Literal('taken'), Type.Literal('held-back')], { description: 'held-back: safety did not let it, or nothing larger would do.' }),
  reason: Type.Enum(REASON_CODES, { description: 'Why, from the closed list of reason codes.' }),
  message: Type.String({ description: 'What got through, and what was made of that.' }),
  at: Type.String({ format: 'date-time', description: 'When it was decided.' }),
  steps: Type.Integer({ minimum: 0, description: 'How many steps were taken in all.' }),
}, { $id: 'EscalationStatus', additionalProperties: false, description: 'What the last attempts that got through led to.' })
export type EscalationStatus = Static<typeof EscalationStatus>
