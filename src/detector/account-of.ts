import { type Account, accountFor } from '../core/explain/account.ts'
import { askOf } from '../core/explain/log-odds.ts'
import { nearestOf } from '../core/explain/nearest.ts'
import { usualKey, type Occluded } from '../core/explain/occlusion.ts'
import type { Score } from '../core/verdict/score.ts'
import type { Scorer } from '../ports/scorer.ts'

type Scored = Pick<Score, 'key' | 'stepMs' | 'tensor' | 'context'>

/** What of a score may be moved to the usual, for this model. */
export function occludedOf ({ model, prototypes }: Scorer, { key, stepMs, tensor, context }: Scored, usual: readonly number[]): Occluded {
  return { tensor, context, contextColumns: model.contextColumns, usual, usualContext: prototypes?.usualContext[usualKey(key.kind, stepMs)] ?? null }
}

/** Why a model gave a score of `className`, one of its classes; `usual` is of one window, 12 values. Rejects as the scorer does. */
export async function accountOf (scorer: Scorer, score: Scored, className: string, usual: readonly number[]): Promise<Account> {
  const { classes, thresholds } = scorer.model
  const index = classes.indexOf(className)
  const of = occludedOf(scorer, score, usual)
  const ask = askOf(of, classes.length, index, async ({ count, tensors, contexts }) => await scorer.score(count, tensors, contexts))
  return {
    ...await accountFor({ of, threshold: thresholds[index] ?? 1, ask }),
    nearest: scorer.prototypes === null ? null : nearestOf(scorer.prototypes, score.tensor, score.context),
  }
}
