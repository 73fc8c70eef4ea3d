import { occlusionBatch, type Occluded, type OcclusionBatch, type Variant } from './occlusion.ts'

/** Log-odds of one class, one a variant, in their order. */
export type AskLogOdds = (variants: readonly Variant[]) => Promise<readonly number[]>

/** Scores a batch: [rows, classes] probabilities. */
export type Rescore = (batch: OcclusionBatch) => Promise<Float32Array>

/** Float32 ends here: a probability below it is 0. */
const LEAST = 1e-38

/**
 * Asks a scorer of `classes` classes for one of them. Of a float32 probability of 0.9999999 the rest is lost, of the other classes' sum it is not: so the
 * log-odds are log(p) less the log of what the others have together.
 */
export const askOf = (of: Occluded, classes: number, classIndex: number, rescore: Rescore): AskLogOdds => async (variants) => {
  const probabilities = await rescore(occlusionBatch(of, variants))
  return variants.map((_, row) => {
    let others = 0
    for (let index = 0; index < classes; index++) if (index !== classIndex) others += probabilities[row * classes + index] ?? 0
    return Math.log(Math.max(probabilities[row * classes + classIndex] ?? 0, LEAST)) - Math.log(Math.max(others, LEAST))
  })
}
