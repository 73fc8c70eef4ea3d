import { randomFrom } from './random.ts'
import type { RunOptions } from './plan-run.ts'
import { SCENARIOS } from './scenarios.ts'

/** One run of a data set. */
export interface PlannedRun extends Required<Pick<RunOptions, 'scenario' | 'seed' | 'seconds' | 'unseen' | 'turn'>> {
  readonly name: string
  /** Never trained on. */
  readonly holdout: boolean
}

/** The order in which a data set grows, so that it holds every class from its beginning on. Four in fourteen have no attack. */
export const CYCLE = ['port-scan', 'benign', 'syn-flood', 'slow', 'brute-force', 'look-alikes', 'lateral-movement', 'data-exfiltration', 'evasive', 'benign', 'proxied', 'mixed', 'overlapping', 'look-alikes'] as const

/** Every fourth cycle is held out: tools, services and rates that the others lack, and ordinary traffic that nothing was fitted to. */
const isHeldOut = (turn: number): boolean => turn % 4 === 2

/** Shorter runs show little but the beginning of things. */
export const SHORTEST_SECONDS = 20

/** `runs` runs that take `hours` together: their lengths are spread over an order of magnitude. The same numbers give the same runs. */
export function scheduleRuns (runs: number, hours: number): PlannedRun[] {
  const drawn = Array.from({ length: runs }, (_, number) => {
    const scenario = CYCLE[number % CYCLE.length] ?? 'benign'
    return { number, scenario, length: (SCENARIOS[scenario]?.length ?? 1) * randomFrom(`length/${number}`).magnitude(40, 160) }
  })
  const unit = hours * 3600 / drawn.reduce((sum, { length }) => sum + length, 0)
  return drawn.map(({ number, scenario, length }) => {
    const turn = Math.floor(number / CYCLE.length)
    const holdout = isHeldOut(turn)
    return { name: `${String(number).padStart(4, '0')}-${scenario}`, scenario, seed: number, seconds: Math.max(SHORTEST_SECONDS, Math.round(length * unit)), holdout, unseen: holdout, turn }
  })
}
