import type { Counterfactual, Explanation, FeatureEvidence, NearestExample } from '../verdict/detection.ts'
import { neutralOf } from '../verdict/evidence.ts'
import { FEATURES, TENSOR_WINDOWS } from '../window/window.ts'
import { counterfactual } from './counterfactual.ts'
import { greedyPath, type PathStep } from './greedy-path.ts'
import { activeRows, movableParts, type Occluded, type Variant } from './occlusion.ts'
import { CONTEXT_PARTS, type Part } from './part.ts'
import type { AskLogOdds } from './log-odds.ts'

/** Parts that are named at most: beyond the third the fall is small. */
export const MAX_NAMED = 3
/** Windows that are named at most. */
const MAX_WINDOWS = 3

/** What the model says of a score when it is asked why. */
export interface Account {
  /** In the order of `Explanation.evidence`. */
  readonly evidence: readonly Omit<FeatureEvidence, 'usualFrom'>[]
  readonly path: NonNullable<Explanation['path']>
  readonly windows: NonNullable<Explanation['windows']>
  /** null where no change of up to five features is enough. */
  readonly counterfactual: Counterfactual | null
  /** null where the model has no examples. */
  readonly nearest: NearestExample | null
}

/** A score that is to be explained: of which class, and the probability at which one window of it is enough. */
export interface Asked {
  readonly of: Occluded
  readonly threshold: number
  /** Scores variants again. */
  readonly ask: AskLogOdds
}

/**
 * What made a score. Every number is one that the model gave: parts and windows are set to what is usual, alone and together, and scored
 * again, in 5 rounds of 90 rows in all as a rule, at most 8 of 150. Rejects as `ask` does.
 */
export async function accountFor ({ of, threshold, ask }: Asked): Promise<Omit<Account, 'nearest'>> {
  const parts = movableParts(of)
  const active = activeRows(of.tensor)
  const moved = (list: readonly Part[], share = 1): Variant => ({ parts: list, windows: active, share })
  const alone = await ask([moved([]), ...parts.map((part) => moved([part])), ...active.map((window) => ({ parts: FEATURES, windows: [window], share: 1 }))])
  const whole = alone[0] ?? 0
  const singles = parts.map((part, index): PathStep => ({ part, logOdds: alone[1 + index] ?? 0 }))
  const path = await greedyPath({ singles, most: MAX_NAMED, moved, ask })
  const limit = probability(whole) >= threshold ? threshold : neutralOf(threshold)
  return {
    evidence: evidenceOf(of, whole, singles, path),
    path: namedOf(path).map(({ part, logOdds }) => ({ feature: columnOf(of, part), left: probability(logOdds) })),
    windows: active
      .map((window, index) => ({ window, contribution: probability(whole) - probability(alone[1 + parts.length + index] ?? 0) }))
      .filter(({ contribution }) => contribution > 0).sort((a, b) => b.contribution - a.contribution).slice(0, MAX_WINDOWS),
    counterfactual: probability(whole) < limit ? null : await counterfactual({ of, limit, singles: singles.filter(({ part }) => !(part in CONTEXT_PARTS)), moved, ask }),
  }
}

/** No more parts are named than it takes until the class is less likely than not. */
function namedOf (path: readonly PathStep[]): readonly PathStep[] {
  const enough = path.findIndex(({ logOdds }) => logOdds < 0)
  return enough < 0 ? path : path.slice(0, enough + 1)
}

/** Log-odds to probability. */
const probability = (logOdds: number): number => 1 / (1 + Math.exp(-logOdds))

/** The path first, then by how far the log-odds fall with each part alone: a probability near one hides how much a part does. */
function evidenceOf (of: Occluded, whole: number, singles: readonly PathStep[], path: readonly PathStep[]): Omit<FeatureEvidence, 'usualFrom'>[] {
  const place = (part: Part): number => {
    const at = path.findIndex((step) => step.part === part)
    return at < 0 ? path.length : at
  }
  return [...singles]
    .sort((a, b) => place(a.part) - place(b.part) || a.logOdds - b.logOdds)
    .map(({ part, logOdds }) => ({ feature: columnOf(of, part), value: valueOf(of, part), usual: usualOf(of, part), contribution: probability(whole) - probability(logOdds) }))
}

const newest = (TENSOR_WINDOWS - 1) * FEATURES.length

function valueOf (of: Occluded, part: Part): number {
  const column = (FEATURES as readonly string[]).indexOf(part)
  return column >= 0 ? of.tensor[newest + column] ?? 0 : contextValue(of, columnOf(of, part))
}

function usualOf (of: Occluded, part: Part): number {
  const column = (FEATURES as readonly string[]).indexOf(part)
  return column >= 0 ? of.usual[column] ?? 0 : of.usualContext?.[of.contextColumns.indexOf(columnOf(of, part))] ?? 0
}

const contextValue = ({ context, contextColumns }: Occluded, name: string): number => context[contextColumns.indexOf(name)] ?? 0

/** The column that a part is told by: a feature is its own, a part of the context its largest. */
function columnOf (of: Occluded, part: Part): string {
  const names = CONTEXT_PARTS[part] ?? []
  return names.reduce((best, name) => contextValue(of, name) > contextValue(of, best) ? name : best, names[0] ?? part)
}
