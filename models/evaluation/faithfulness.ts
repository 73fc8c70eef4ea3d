import type { Account } from '../../src/core/explain/account.ts'
import { askOf } from '../../src/core/explain/log-odds.ts'
import { activeRows, movableParts, type Occluded } from '../../src/core/explain/occlusion.ts'
import { CONTEXT_PARTS, type Part } from '../../src/core/explain/part.ts'
import type { Score } from '../../src/core/verdict/score.ts'
import { accountOf, occludedOf } from '../../src/detector/account-of.ts'
import type { Scorer } from '../../src/ports/scorer.ts'

/** A score that opened a detection, with what is usual for its key. */
export interface Explained { readonly className: string, readonly score: Score, readonly usual: readonly number[] }

/** How true one explanation is. Falls are of the class's probability. */
export interface Faithfulness {
  readonly className: string
  /** Parts that are named. */
  readonly named: number
  /** With the named parts at their usual values. */
  readonly fall: number
  /** The mean over all sets of as many parts: what removing random ones does. */
  readonly randomFall: number
  /** The most that any such set does. */
  readonly mostFall: number
  /** Share of the three first parts that are still the three first under noise, a mean over `NOISY` copies. */
  readonly overlap: number
  /** Features that are changed to come below the limit; null where no change was found. */
  readonly changed: number | null
  /** Whether the nearest example is of the class; null where the model has none. */
  readonly nearestAgrees: boolean | null
}

const NOISY = 8
/** Standard deviation of the logarithm of what each value is multiplied with. */
const NOISE = 0.02
const FIRST = 3

/** Deletion and stability of one explanation. `gaussian` gives standard normal numbers. Rejects as the scorer does. */
export async function faithfulnessOf (scorer: Scorer, { className, score, usual }: Explained, gaussian: () => number): Promise<Faithfulness> {
  const of = occludedOf(scorer, score, usual)
  const { classes } = scorer.model
  const account = await accountOf(scorer, score, className, usual)
  const named = account.path.map(({ feature }) => partOf(feature))
  const windows = activeRows(score.tensor)
  const ask = askOf(of, classes.length, classes.indexOf(className), async ({ count, tensors, contexts }) => await scorer.score(count, tensors, contexts))
  const sets = subsetsOf(movableParts(of), named.length)
  const [whole = 0, left = 0, ...others] = (await ask([[], named, ...sets].map((parts) => ({ parts, windows, share: 1 })))).map(probability)
  const falls = others.map((other) => whole - other)
  const first = firstOf(account)
  let kept = 0
  for (let copy = 0; copy < NOISY; copy++) {
    const noisy = firstOf(await accountOf(scorer, { ...score, ...withNoise(of, gaussian) }, className, usual))
    kept += noisy.filter((feature) => first.includes(feature)).length
  }
  return {
    className,
    named: named.length,
    fall: whole - left,
    randomFall: falls.reduce((sum, fall) => sum + fall, 0) / falls.length,
    mostFall: Math.max(...falls),
    overlap: kept / (NOISY * FIRST),
    changed: account.counterfactual?.changes.length ?? null,
    nearestAgrees: account.nearest === null ? null : account.nearest.class === className,
  }
}

const probability = (logOdds: number): number => 1 / (1 + Math.exp(-logOdds))

const firstOf = ({ evidence }: Pick<Account, 'evidence'>): Part[] => evidence.slice(0, FIRST).map(({ feature }) => partOf(feature))

const partOf = (feature: string): Part => Object.entries(CONTEXT_PARTS).find(([, columns]) => columns.includes(feature))?.[0] ?? feature

/** Shares and one-hot columns of the context are no measurements, so noise is on the counts of traffic alone. */
function withNoise ({ tensor, context, contextColumns }: Occluded, gaussian: () => number): Pick<Occluded, 'tensor' | 'context'> {
  const shaken = (value: number): number => value * Math.exp(NOISE * gaussian())
  return {
    tensor: tensor.map(shaken),
    context: context.map((value, column) => /^(kind|step|port|share)_/.test(contextColumns[column] ?? '') ? value : shaken(value)),
  }
}

/** All sets of `size` parts. */
export function subsetsOf (parts: readonly Part[], size: number): Part[][] {
  if (size === 0) return [[]]
  return parts.flatMap((part, index) => subsetsOf(parts.slice(index + 1), size - 1).map((rest) => [part, ...rest]))
}
