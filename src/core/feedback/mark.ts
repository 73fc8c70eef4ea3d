import { Type, type Static } from 'typebox'

const closed = { additionalProperties: false } as const

export const MARK_VERDICTS = ['false-alarm', 'confirmed'] as const
export const MarkVerdict = Type.Enum([...MARK_VERDICTS], { description: 'false-alarm: nothing was wrong. confirmed: it was what it was said to be.' })
export type MarkVerdict = Static<typeof MarkVerdict>

/** One window's tensor, as the model was given it. */
export const MarkedWindow = Type.Object({
  kind: Type.Union([Type.Literal('pair'), Type.Literal('fan-out'), Type.Literal('fan-in')]),
  stepMs: Type.Integer(),
  windowNumber: Type.Integer(),
  tensor: Type.Array(Type.Array(Type.Number()), { description: '[20 x 12], oldest window first, raw values.' }),
  context: Type.Array(Type.Number(), { description: 'The model\'s context columns.' }),
}, closed)
export type MarkedWindow = Static<typeof MarkedWindow>

/** What a person said of a detection. */
export const Mark = Type.Object({
  detection: Type.String(),
  verdict: MarkVerdict,
  reason: Type.String({ maxLength: 500 }),
  by: Type.String({ maxLength: 128 }),
  at: Type.String({ format: 'date-time' }),
  class: Type.String({ description: 'That the detection had.' }),
  namespace: Type.Union([Type.String(), Type.Null()], { description: 'Of its target, or else of its source; null where neither is a pod.' }),
  model: Type.String({ description: 'Version of the model that scored it.' }),
  simulated: Type.Boolean({ description: 'The evidence is a replay.' }),
  exception: Type.Union([Type.String(), Type.Null()], { description: 'Name of the exception that was made with it; null for none.' }),
  window: Type.Union([MarkedWindow, Type.Null()], { description: 'Its surest window, to train with; null where it was not kept, or a rule\'s condition opened it.' }),
}, { $id: 'Mark', ...closed })
export type Mark = Static<typeof Mark>

const { window: _, ...said } = Mark.properties
/** A mark as lists show it: without the window, which is large. */
export const MarkSaid = Type.Object(said, { $id: 'MarkSaid', ...closed })
export type MarkSaid = Static<typeof MarkSaid>

export function saidOf ({ window: _window, ...mark }: Mark): MarkSaid {
  return mark
}
