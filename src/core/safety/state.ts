import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'

const Time = Type.Number({ description: 'Unix ms.' })

/** `closed` lets actions pass. `open` refuses until a time; then one trial is let through (`half-open`): its success closes, its failure opens for twice as long. */
const Breaker = Type.Union([
  Type.Object({ state: Type.Literal('closed') }, { additionalProperties: false }),
  Type.Object({ state: Type.Literal('open'), untilMs: Time, openMs: Time }, { additionalProperties: false }),
  Type.Object({ state: Type.Literal('half-open'), trialSinceMs: Time, openMs: Time }, { additionalProperties: false }),
])
export type Breaker = Static<typeof Breaker>

const Action = Type.Object({ atMs: Time, rule: Type.String(), source: Type.String(), target: Type.String() }, { additionalProperties: false })

const Ledger = Type.Object({
  actions: Type.Array(Action, { maxItems: 10_000, description: 'Actions of the last minute, oldest first.' }),
  failures: Type.Array(Time, { maxItems: 10_000 }),
  regrets: Type.Array(Time, { maxItems: 10_000, default: [], description: 'When something was undone or turned out harmful.' }),
  refusals: Type.Array(Type.Object({ case: Type.String(), atMs: Time }, { additionalProperties: false }), {
    maxItems: 10_000, description: 'Cases that the rate limit refused, each once, with the last time.',
  }),
  breaker: Breaker,
  cooldowns: Type.Array(Type.Object({ case: Type.String(), untilMs: Time }, { additionalProperties: false }), {
    maxItems: 100_000, description: 'Running cooldowns, the one that ends first in front.',
  }),
  droppedCooldowns: Type.Integer({ minimum: 0 }),
}, { additionalProperties: false })
export type Ledger = Static<typeof Ledger>

/** The kill switch is pulled: by whom, why and since when. */
export const Halt = Type.Object({
  by: Type.String({ description: 'Who pulled it.' }),
  reason: Type.String({ description: 'Why.' }),
  at: Type.String({ format: 'date-time', description: 'Since when.' }),
}, { $id: 'Halt', additionalProperties: false, description: 'All new actions are stopped until a person lets them go on.' })
export type Halt = Readonly<Static<typeof Halt>>

/** Two ledgers, so that a replay beside live traffic cannot use up the allowance of a real case. Plain JSON. */
const SafetyState = Type.Object({ enforced: Ledger, simulated: Ledger, halt: Type.Optional(Halt) }, { additionalProperties: false })
export type SafetyState = Readonly<Static<typeof SafetyState>>
export type Lane = 'enforced' | 'simulated'

const EMPTY_LEDGER: Ledger = { actions: [], failures: [], regrets: [], refusals: [], breaker: { state: 'closed' }, cooldowns: [], droppedCooldowns: 0 }
export const EMPTY_SAFETY_STATE: SafetyState = { enforced: EMPTY_LEDGER, simulated: EMPTY_LEDGER }

/** Reads a kept state. null where it is malformed: the caller says so and begins with `EMPTY_SAFETY_STATE`. */
export function parseSafetyState (value: unknown): SafetyState | null {
  const whole = Value.Default(SafetyState, Value.Clone(value)) // one of an earlier version lacks what was added since
  return Value.Check(SafetyState, whole) ? whole : null
}
