import { Type, type Static } from 'typebox'
import { REASON_CODES } from '../reason.ts'
import { ACTION_TYPES } from './action-type.ts'
import { Approval } from '../safety/approval.ts'

export const VERDICTS = ['alert', 'simulate', 'hold', 'mitigate', 'suppress'] as const
export type Verdict = (typeof VERDICTS)[number]

/** What policy and safety together made of one action of one rule for one detection. */
export const Decision = Type.Object({
  id: Type.String(),
  at: Type.String({ format: 'date-time' }),
  detection: Type.String(),
  policy: Type.String(),
  rule: Type.String({ description: 'Name of the rule; empty where none fired.' }),
  ruleHash: Type.String(),
  action: Type.Union([Type.Enum([...ACTION_TYPES]), Type.Null()]),
  actionIndex: Type.Optional(Type.Integer({ minimum: 0, description: 'Place of the action in its rule; absent where none fired.' })),
  verdict: Type.Enum([...VERDICTS]),
  reason: Type.Enum(REASON_CODES),
  message: Type.String({ description: 'What was compared with what, in one sentence.' }),
  /** Every safety check that was made, in order, so that a person can see what was looked at. */
  safety: Type.Array(Type.Object({
    check: Type.String(), passed: Type.Boolean(), reason: Type.Enum(REASON_CODES), message: Type.String(),
  }, { additionalProperties: false })),
  mitigation: Type.Union([Type.String(), Type.Null()], { description: 'Name of the mitigation that follows from it.' }),
  escalates: Type.Optional(Type.String({ description: 'Name of the mitigation that this would make larger, because attempts get through it.' })),
  exception: Type.Optional(Type.String({ description: 'Name of the exception that covers it.' })),
  approval: Type.Optional(Approval),
  /** The objects that it would apply, as YAML documents: a NetworkPolicy, a patch, a request. */
  plan: Type.Array(Type.Object({ kind: Type.String(), yaml: Type.String() }, { additionalProperties: false })),
}, { $id: 'Decision', additionalProperties: false })
export type Decision = Static<typeof Decision>
