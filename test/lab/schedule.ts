import { randomFrom } from './random.ts'
import type { RunOptions } from './plan-run.ts'
import { SCENARIOS } from './scenarios.ts'

/** One run of a data set. */
export interface PlannedRun extends Required<Pick<RunOptions, 'scenario' | 'seed' | 'seconds' | 'unseen' | 'turn'>> {
  readonly name: string
  /** Never trained on. */
  readonly holdout: boolean
}

/** The order in which training's set grows, so that it holds every class from its beginning on. Four in fourteen have no attack. */
export const CYCLE = ['port-scan', 'benign', 'syn-flood', 'slow', 'brute-force', 'look-alikes', 'lateral-movement', 'data-exfiltration', 'evasive', 'benign', 'proxied', 'mixed', 'overlapping', 'look-alikes'] as const

/** What a data set is for. */
interface Purpose {
  /** Its scenarios, over and over. */
  readonly cycle: readonly string[]
  /** Whether the runs of this turn of the cycle have tools, services and rates that the others lack, and are never trained on. */
  readonly isHeldOut: (turn: number) => boolean
  /** Of its first run. No two sets share one. */
  readonly firstSeed: number
}

export const PURPOSES = {
  training: { cycle: CYCLE, isHeldOut: (turn) => turn % 4 === 2, firstSeed: 0 },
  attacks: { cycle: CYCLE.filter((scenario) => scenario !== 'benign' && scenario !== 'look-alikes'), isHeldOut: () => true, firstSeed: 100_000 },
  quiet: { cycle: ['look-alikes', 'benign', 'look-alikes'], isHeldOut: () => true, firstSeed: 200_000 },
} as const satisfies Record<string, Purpose>
export type PurposeName = keyof typeof PURPOSES

export const isPurpose = (name: string): name is PurposeName => Object.hasOwn(PURPOSES, name)

/** Shorter runs show little but the beginning of things. */
export const SHORTEST_SECONDS = 20

/** `runs` runs that take `hours` together: their lengths are spread over an order of magnitude. The same numbers give the same runs. */
export function scheduleRuns (runs: number, hours: number, purpose: PurposeName = 'training'): PlannedRun[] {
  const { cycle, isHeldOut, firstSeed }: Purpose = PURPOSES[purpose]
  const drawn = Array.from({ length: runs }, (_, number) => {
    const [scenario, seed] = [cycle[number % cycle.length] ?? 'benign', firstSeed + number]
    return { number, scenario, seed, length: (SCENARIOS[scenario]?.length ?? 1) * randomFrom(`length/${seed}`).magnitude(40, 160) }
  })
  const unit = hours * 3600 / drawn.reduce((sum, { length }) => sum + length, 0)
  return drawn.map(({ number, scenario, seed, length }) => {
    const turn = Math.floor(number / cycle.length)
    const holdout = isHeldOut(turn)
    return { name: `${String(number).padStart(4, '0')}-${scenario}`, scenario, seed, seconds: Math.max(SHORTEST_SECONDS, Math.round(length * unit)), holdout, unseen: holdout, turn }
  })
}
