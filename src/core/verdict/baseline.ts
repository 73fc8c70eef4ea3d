import { FEATURES, TENSOR_WINDOWS, keyId } from '../window/window.ts'
import type { Score } from './score.ts'

/**
 * What is usual for a key, to be told and explained beside a score; named evidence asks what the key is known for (core/evidence/habits.ts), which cannot be moved so fast: a decaying mean of log(1 + x) of each feature over its quiet windows. */
interface Baseline {
  windows: number
  readonly means: Float64Array
}

/** Bounded; the key that was quiet longest goes first. Only the functions of this file change it. */
export interface Baselines {
  readonly table: Map<string, Baseline>
  evicted: number
}

const MAX_BASELINES = 20_000
/** A key is known after this many windows: before, the training set says what is usual. */
const KNOWN_AFTER = TENSOR_WINDOWS
const RATE = 1 / 64
/** One window moves a mean by at most a factor e times the rate, so that a single burst cannot drag it. */
const MAX_SURPRISE = 1

export const emptyBaselines = (): Baselines => ({ table: new Map(), evicted: 0 })

/** A replay teaches nothing about live traffic of the same addresses. */
const REPLAY = 'replay '
const place = ({ key, stepMs, simulated }: Pick<Score, 'key' | 'stepMs' | 'simulated'>): string => `${simulated ? REPLAY : ''}${keyId(key)}/${stepMs}`

/** Whether what is known at a place of the table is of live traffic. */
export const isLive = (at: string): boolean => !at.startsWith(REPLAY)

/** Learns from the newest window of a score that nobody suspects. */
export function learnUsual (baselines: Baselines, score: Score): void {
  const at = place(score)
  const known = baselines.table.get(at) ?? { windows: 0, means: new Float64Array(FEATURES.length) }
  const { means } = known
  const rate = Math.max(RATE, 1 / (known.windows + 1))
  for (let i = 0; i < means.length; i++) {
    const seen = Math.log1p(Math.max(0, score.window.features[i] ?? 0))
    const mean = known.windows === 0 ? seen : means[i] ?? 0
    means[i] = mean + rate * Math.min(Math.max(seen - mean, -MAX_SURPRISE), MAX_SURPRISE)
  }
  known.windows = Math.min(known.windows + 1, KNOWN_AFTER)
  baselines.table.delete(at)
  baselines.table.set(at, known)
  if (baselines.table.size <= MAX_BASELINES) return
  const oldest = baselines.table.keys().next()
  if (oldest.done !== true) baselines.table.delete(oldest.value)
  baselines.evicted++
}

/** 12 features in their own units; null where the key has too little history. */
export function usualOf (baselines: Baselines, score: Pick<Score, 'key' | 'stepMs' | 'simulated'>): readonly number[] | null {
  const known = baselines.table.get(place(score))
  if (known === undefined || known.windows < KNOWN_AFTER || known.means.length !== FEATURES.length) return null
  return Array.from(known.means, Math.expm1)
}
