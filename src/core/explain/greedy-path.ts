import type { AskLogOdds } from './log-odds.ts'
import type { Variant } from './occlusion.ts'
import type { Part } from './part.ts'

/** A part, and the log-odds that are left with it and all before it at their usual values. */
export interface PathStep {
  readonly part: Part
  readonly logOdds: number
}

export interface PathAsked {
  /** Each part alone. */
  readonly singles: readonly PathStep[]
  readonly most: number
  readonly moved: (parts: readonly Part[]) => Variant
  readonly ask: AskLogOdds
  /** No more parts are taken once the log-odds are below it; without it, until there are `most`. */
  readonly enough?: number
}

/**
 * Parts in the order in which the log-odds fall most, each beside those before it: where several say the same, each alone changes nothing, and
 * two that each lower the score may lower it no further together. One round of scoring a part after the first.
 */
export async function greedyPath ({ singles, most, moved, ask, enough = -Infinity }: PathAsked): Promise<PathStep[]> {
  const first = lowest(singles)
  const path = first === null ? [] : [first]
  while (path.length > 0 && path.length < most && (path.at(-1)?.logOdds ?? enough) >= enough) {
    const taken = path.map(({ part }) => part)
    const rest = singles.map(({ part }) => part).filter((part) => !taken.includes(part))
    const left = await ask(rest.map((part) => moved([...taken, part])))
    const next = lowest(rest.map((part, index) => ({ part, logOdds: left[index] ?? 0 })))
    if (next === null) break
    path.push(next)
  }
  return path
}

const lowest = (steps: readonly PathStep[]): PathStep | null =>
  steps.reduce<PathStep | null>((best, step) => best === null || step.logOdds < best.logOdds ? step : best, null)
