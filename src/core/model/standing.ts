import { Type, type Static } from 'typebox'

const closed = { additionalProperties: false } as const
const Version = Type.String({ minLength: 1, maxLength: 100 })

/** What was asked of a store of models. null stands for the model that the detector was started with. */
export const ModelChoice = Type.Object({
  sequence: Type.Integer({ minimum: 0, description: 'Counts what was asked.' }),
  current: Type.Union([Version, Type.Null()]),
  shadow: Type.Union([Version, Type.Null()], { description: 'The candidate; null for none.' }),
  before: Type.Array(Type.Union([Version, Type.Null()]), { maxItems: 16, description: 'What was current before, newest first, for a rollback.' }),
  by: Type.String({ maxLength: 128, description: 'Who asked; empty before anybody did.' }),
  reason: Type.String({ maxLength: 500 }),
  at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
}, closed)
export type ModelChoice = Static<typeof ModelChoice>

export const NOTHING_CHOSEN: ModelChoice = { sequence: 0, current: null, shadow: null, before: [], by: '', reason: '', at: null }
const MAX_BEFORE = 16

/** Why a model that was asked for is not used. */
export const ModelRefusal = Type.Object({ version: Version, message: Type.String({ maxLength: 4096 }) }, closed)
export type ModelRefusal = Static<typeof ModelRefusal>

/** What a detector scores with, as it came from what was asked. */
export const ModelStanding = Type.Object({
  sequence: Type.Integer({ minimum: 0, description: 'Of the choice that it is the answer to.' }),
  current: Type.String({ description: 'Version whose scores count.' }),
  shadow: Type.Union([Type.String(), Type.Null()], { description: 'Version that only scores beside it.' }),
  refused: Type.Array(ModelRefusal, { maxItems: 2, description: 'What was asked for and is not used.' }),
  by: Type.String({ maxLength: 128 }),
  reason: Type.String({ maxLength: 500 }),
  installed: Type.Optional(Type.Array(Version, { maxItems: 64, description: 'Versions that may be asked for, by name; absent where nobody told.' })),
  classes: Type.Optional(Type.Array(Type.String(), { maxItems: 63, description: 'Attack classes of the current model, in its order; absent where nobody told.' })),
}, { $id: 'ModelStanding', ...closed })
export type ModelStanding = Static<typeof ModelStanding>

export interface Asked { readonly by: string, readonly reason: string, readonly at: string }

/** Another current model; the one of now is remembered. What was in shadow and is promoted is a candidate no more. */
export function promote (choice: ModelChoice, version: string | null, asked: Asked): ModelChoice {
  return {
    ...choice,
    ...asked,
    sequence: choice.sequence + 1,
    current: version,
    shadow: choice.shadow === version ? null : choice.shadow,
    before: [choice.current, ...choice.before].slice(0, MAX_BEFORE),
  }
}

/** The model before; null where there was none. */
export function rollBack (choice: ModelChoice, asked: Asked): ModelChoice | null {
  const [last, ...before] = choice.before
  return last === undefined ? null : { ...choice, ...asked, sequence: choice.sequence + 1, current: last, before }
}

export const putInShadow = (choice: ModelChoice, version: string | null, asked: Asked): ModelChoice =>
  ({ ...choice, ...asked, sequence: choice.sequence + 1, shadow: version })
