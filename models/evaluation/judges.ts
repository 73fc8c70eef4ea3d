import type { EvidenceKind } from '../../src/core/evidence/kind.ts'
import { EVIDENCE_KINDS } from '../../src/core/evidence/table.ts'
import type { Scorer } from '../../src/ports/scorer.ts'
import { rulesScorer } from './rules.ts'

/** Who judges: a scorer, and the named evidence beside it. */
export interface Judge {
  readonly name: string
  readonly scorer: Scorer
  readonly kinds: readonly EvidenceKind[]
}

/** The loop as it is; then, each without named evidence: its model, other models, what was fitted to the same rows, and fixed thresholds. */
export const sideBySide = (model: Scorer, others: readonly Scorer[], yardsticks: readonly Scorer[]): Judge[] => [
  { name: `model ${model.model.version} and named evidence`, scorer: model, kinds: EVIDENCE_KINDS },
  { name: 'the model alone', scorer: model, kinds: [] },
  ...others.map((scorer) => ({ name: `model ${scorer.model.version} alone`, scorer, kinds: [] })),
  ...yardsticks.map((scorer) => ({ name: scorer.model.version, scorer, kinds: [] })),
  { name: 'fixed thresholds', scorer: rulesScorer(), kinds: [] },
]

/** Named evidence alone, beside each yardstick in the model's place, and beside the model without each kind. */
export const ablations = (model: Scorer, yardsticks: readonly Scorer[]): Judge[] => [
  { name: 'evidence alone', scorer: silent(model), kinds: EVIDENCE_KINDS },
  ...yardsticks.map((scorer) => ({ name: `${scorer.model.version} and named evidence`, scorer, kinds: EVIDENCE_KINDS })),
  ...EVIDENCE_KINDS.map(({ name }) => ({ name: `without ${name}`, scorer: model, kinds: EVIDENCE_KINDS.filter((kind) => kind.name !== name) })),
]

/** Finds everything harmless. */
function silent ({ model }: Scorer): Scorer {
  const { classes } = model
  return {
    model,
    prototypes: null,
    score: async (count) => Float32Array.from({ length: count * classes.length }, (_, at) => at % classes.length === 0 ? 1 : 0),
    [Symbol.asyncDispose]: async () => undefined,
  }
}
