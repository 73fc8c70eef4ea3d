import { HOUR_MS, KNOWN_AFTER_HOURS } from '../evidence/remembering.ts'
import { FEATURES, keyId, windowStartMs } from '../window/window.ts'
import type { Score } from './score.ts'

/**
 * What is usual for a key, to be told and explained beside a score; named evidence asks what the key is known for (core/evidence/habits.ts). A slow mean of
 * log(1 + x) of each feature over its quiet windows: each clock hour counts once, when the next begins, and not at all where the key came under suspicion in it.
 */
interface Baseline {
  /** Clock hours that count, up to KNOWN_AFTER_HOURS. */
  hours: number
  readonly means: Float64Array
  /** The hour that goes on, Unix time / 1 h; null where none of it counts so far. */
  begun: { readonly hour: number, windows: number, readonly sums: Float64Array } | null
}

/** Bounded; the key that was quiet longest goes first. Only the functions of this file change it. */
export interface Baselines {
  readonly table: Map<string, Baseline>
  evicted: number
}

const MAX_BASELINES = 20_000
/** Of an hour, once the key is known: what lasts for a day is usual. */
const RATE = 1 / 24
/** One hour moves a mean by at most a factor e to the rate, so that a single one cannot drag it. */
const MAX_SURPRISE = 1

export const emptyBaselines = (): Baselines => ({ table: new Map(), evicted: 0 })

type Placed = Pick<Score, 'key' | 'stepMs' | 'simulated'>

/** A replay teaches nothing about live traffic of the same addresses. */
const REPLAY = 'replay '
const place = ({ key, stepMs, simulated }: Placed): string => `${simulated ? REPLAY : ''}${keyId(key)}/${stepMs}`

/** Whether what is known at a place of the table is of live traffic. */
export const isLive = (at: string): boolean => !at.startsWith(REPLAY)

/** What is known after a restart: the hour that had begun is lost. */
export const knownAgain = (hours: number, means: readonly number[]): Baseline => ({ hours, means: Float64Array.from(means), begun: null })

/** Learns from the newest window of a score that nobody suspects. */
export function learnUsual (baselines: Baselines, score: Score): void {
  const at = place(score)
  const hour = Math.floor(windowStartMs(score.window) / HOUR_MS)
  const known = baselines.table.get(at) ?? knownAgain(0, FEATURES.map(() => 0))
  if (known.begun !== null && known.begun.hour < hour) endHour(known, known.begun)
  known.begun ??= { hour, windows: 0, sums: new Float64Array(FEATURES.length) }
  const { begun } = known
  begun.windows++
  for (let i = 0; i < begun.sums.length; i++) begun.sums[i] = (begun.sums[i] ?? 0) + Math.log1p(Math.max(0, score.window.features[i] ?? 0))
  baselines.table.delete(at)
  baselines.table.set(at, known)
  if (baselines.table.size <= MAX_BASELINES) return
  const oldest = baselines.table.keys().next()
  if (oldest.done !== true) baselines.table.delete(oldest.value)
  baselines.evicted++
}

/** Takes back what the hour that goes on would teach about the key of a score: it may be the quiet part of an attack. */
export function doubtHour (baselines: Baselines, score: Placed): void {
  const known = baselines.table.get(place(score))
  if (known !== undefined) known.begun = null
}

function endHour (known: Baseline, { windows, sums }: NonNullable<Baseline['begun']>): void {
  const { means, hours } = known
  const rate = hours < KNOWN_AFTER_HOURS ? 1 / (hours + 1) : RATE
  for (let i = 0; i < means.length; i++) {
    const [seen, mean] = [(sums[i] ?? 0) / windows, means[i] ?? 0]
    means[i] = hours === 0 ? seen : mean + rate * Math.min(Math.max(seen - mean, -MAX_SURPRISE), MAX_SURPRISE)
  }
  known.hours = Math.min(hours + 1, KNOWN_AFTER_HOURS)
  known.begun = null
}

/** 12 features in their own units; null where the key was quiet in too few hours: then the training set says what is usual. */
export function usualOf (baselines: Baselines, score: Placed): readonly number[] | null {
  const known = baselines.table.get(place(score))
  return known === undefined || known.hours < KNOWN_AFTER_HOURS ? null : Array.from(known.means, Math.expm1)
}
