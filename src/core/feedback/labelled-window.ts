import { Type, type Static } from 'typebox'
import { CONTEXT_COLUMNS } from '../tensor/context.ts'
import { FEATURES, FEATURE_SCHEMA, TENSOR_WINDOWS } from '../window/window.ts'
import { type Mark, Mark as MarkSchema, MarkedWindow } from './mark.ts'

const closed = { additionalProperties: false } as const

/** A marked window with its label, for training: one line of `autoshield detections export`. */
export const LabelledWindow = Type.Object({
  apiVersion: Type.Literal('autoshield.dev/v1alpha1'),
  kind: Type.Literal('LabelledWindow'),
  featureSchema: Type.String(),
  contextColumns: Type.Array(Type.String()),
  label: Type.String({ description: 'BENIGN for a false alarm, else the class.' }),
  mark: Type.Object({ ...MarkSchema.properties, window: MarkedWindow }, closed),
}, closed)
export type LabelledWindow = Static<typeof LabelledWindow>

/** null where the mark has no window, or one of other columns than this program's. */
export function labelledWindow (mark: Mark): LabelledWindow | null {
  const { window } = mark
  if (window === null || window.context.length !== CONTEXT_COLUMNS.length || window.tensor.length !== TENSOR_WINDOWS || window.tensor.some((row) => row.length !== FEATURES.length)) return null
  return {
    apiVersion: 'autoshield.dev/v1alpha1',
    kind: 'LabelledWindow',
    featureSchema: FEATURE_SCHEMA,
    contextColumns: [...CONTEXT_COLUMNS],
    label: mark.verdict === 'confirmed' ? mark.class : 'BENIGN',
    mark: { ...mark, window },
  }
}
