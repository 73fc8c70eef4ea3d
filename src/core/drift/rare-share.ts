/** What fewer windows of the training set than one in a thousand were like is as good as unknown to the model. */
const RARE = 0.001

/**
 * The share of what was seen that lies in buckets which training hardly has, 0 to 1. One-sided on purpose: a namespace that does but one
 * thing is far from a mixture of everything, by any symmetric distance, and the model knows that one thing well.
 */
export function rareShare (seen: ArrayLike<number>, known: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < seen.length; i++) if ((known[i] ?? 0) < RARE) sum += seen[i] ?? 0
  return Math.min(1, sum)
}
