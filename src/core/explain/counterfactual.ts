import type { Counterfactual } from '../verdict/detection.ts'
import type { FeatureName } from '../window/window.ts'
import type { PathAsked } from './greedy-path.ts'
import { greedyPath } from './greedy-path.ts'
import { activeRows, occlusionBatch, type Occluded, type Variant } from './occlusion.ts'
import type { Part } from './part.ts'
import { isFeature, overSpan } from './span.ts'

/** Features that are changed together at most: a longer list tells nobody anything. */
const MAX_CHANGED = 5
/** Single features whose ways are compared. */
const MAX_WAYS = 2
/** Points on the way to the usual that are scored in one round; a second round looks between two of them. */
const POINTS = 8

interface CounterfactualAsked extends Pick<PathAsked, 'ask' | 'singles'> {
  readonly of: Occluded
  /** The probability that it is to come below. */
  readonly limit: number
  readonly moved: (parts: readonly Part[], share?: number) => Variant
}

/**
 * The smallest change of features towards their usual values that brings the score below `limit`: of one feature where one is enough (of several such,
 * the one that goes the least part of its way), else of the fewest that the greedy path needs, moved together. Null where five are not enough.
 * What is told was scored, to within a sixty-fourth of the way.
 */
export async function counterfactual ({ of, limit, singles, moved, ask }: CounterfactualAsked): Promise<Counterfactual | null> {
  const enough = Math.log(limit / (1 - limit))
  const below = singles.filter(({ logOdds }) => logOdds < enough).sort((a, b) => a.logOdds - b.logOdds).slice(0, MAX_WAYS)
  const sets = below.length > 0 ? below.map(({ part }) => [part]) : await fewest({ singles, most: MAX_CHANGED, moved, ask, enough })
  if (sets.length === 0) return null
  const ways = await shortest(sets, { enough, moved, ask, from: 0, to: 1 })
  const [way] = ways.sort((a, b) => a.share - b.share)
  if (way === undefined) return null
  const [exact = way] = await shortest([way.parts], { enough, moved, ask, from: way.share - 1 / POINTS, to: way.share })
  return {
    limit,
    probability: 1 / (1 + Math.exp(-exact.logOdds)),
    changes: exact.parts.filter(isFeature).map((feature) => change(of, feature, moved(exact.parts, exact.share))),
  }
}

async function fewest (asked: PathAsked): Promise<Part[][]> {
  const path = await greedyPath(asked)
  const reached = path.findIndex(({ logOdds }) => logOdds < (asked.enough ?? 0))
  return reached < 0 ? [] : [path.slice(0, reached + 1).map(({ part }) => part)]
}

interface Way { readonly parts: readonly Part[], readonly share: number, readonly logOdds: number }
interface Between extends Pick<CounterfactualAsked, 'moved' | 'ask'> { readonly enough: number, readonly from: number, readonly to: number }

/** Of each set the first point after `from` that is below; the score need not fall evenly, so the first is taken, not a bisection's. */
async function shortest (sets: readonly (readonly Part[])[], { enough, moved, ask, from, to }: Between): Promise<Way[]> {
  const shares = Array.from({ length: POINTS }, (_, index) => index === POINTS - 1 ? to : from + (to - from) * (index + 1) / POINTS)
  const left = await ask(sets.flatMap((parts) => shares.map((share) => moved(parts, share))))
  return sets.flatMap((parts, set) => {
    const at = shares.findIndex((_, point) => (left[set * POINTS + point] ?? Infinity) < enough)
    return at < 0 ? [] : [{ parts, share: shares[at] ?? to, logOdds: left[set * POINTS + at] ?? enough }]
  })
}

function change (of: Occluded, feature: FeatureName, variant: Variant): Counterfactual['changes'][number] {
  const active = activeRows(of.tensor)
  const { tensors } = occlusionBatch(of, [variant])
  return { feature, seen: overSpan(feature, of.tensor, active), needed: overSpan(feature, tensors, active) }
}
