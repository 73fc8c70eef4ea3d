import { FEATURES, TENSOR_WINDOWS, type StepMs, type WindowKey, keyId } from '../window/window.ts'
import type { Score } from './score.ts'

/** What is usual for a key: a decaying mean of log(1 + x) of each feature over its quiet windows. */
export interface Baseline {
  readonly windows: number
  readonly means: readonly number[]
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

const place = (key: WindowKey, stepMs: StepMs): string => `${keyId(key)}/${stepMs}`

/** Learns from the newest window of a score that nobody suspects. */
export function learnUsual (baselines: Baselines, score: Score): void {
  const at = place(score.key, score.stepMs)
  const before = baselines.table.get(at)
  const rate = Math.max(RATE, 1 / ((before?.windows ?? 0) + 1))
  const means = Array.from(score.window.features, (value, i) => {
    const seen = Math.log1p(Math.max(0, value))
    const mean = before?.means[i]
    if (mean === undefined) return seen
    return mean + rate * Math.min(Math.max(seen - mean, -MAX_SURPRISE), MAX_SURPRISE)
  })
  baselines.table.delete(at)
  baselines.table.set(at, { windows: Math.min((before?.windows ?? 0) + 1, KNOWN_AFTER), means })
  if (baselines.table.size <= MAX_BASELINES) return
  const oldest = baselines.table.keys().next()
  if (oldest.done !== true) baselines.table.delete(oldest.value)
  baselines.evicted++
}

/** 12 features in their own units; null where the key has too little history. */
export function usualOf (baselines: Baselines, key: WindowKey, stepMs: StepMs): readonly number[] | null {
  const known = baselines.table.get(place(key, stepMs))
  if (known === undefined || known.windows < KNOWN_AFTER || known.means.length !== FEATURES.length) return null
  return known.means.map(Math.expm1)
}
