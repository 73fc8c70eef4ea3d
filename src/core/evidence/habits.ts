import { FORGET_AFTER_MS, HOUR_MS, KNOWN_AFTER_HOURS } from './remembering.ts'

/** What somebody is known for: how much of one thing it does at ordinary times. Changed by `learnAmount` alone. */
export interface Habit {
  /** What it came to when it was known first: later it may grow from there, within bounds. Null until then. */
  base: { readonly amount: number, readonly atMs: number } | null
  /** The largest amounts of different clock hours without suspicion, largest first: `hour` is Unix time / 1 h. At most KNOWN_AFTER_HOURS. */
  peaks: readonly { readonly hour: number, readonly amount: number }[]
  /** When it was seen last, Unix ms. */
  lastMs: number
}

/** What is known may grow to so many times what it was at first, and no further: whoever grows slowly is found by then. */
export const MOST_GROWTH = 4
/** It takes so long to double. */
const DOUBLES_IN_MS = FORGET_AFTER_MS

export const newHabit = (): Habit => ({ base: null, peaks: [], lastMs: -Infinity })

/** Takes in an amount that nobody suspects. */
export function learnAmount (habit: Habit, amount: number, atMs: number): void {
  const hour = Math.floor(atMs / HOUR_MS)
  if (atMs > forgottenAtMs(habit)) Object.assign(habit, newHabit())
  habit.lastMs = Math.max(habit.lastMs, atMs)
  const lived = livePeaks(habit, atMs)
  const counted = Math.min(amount, mostCounted(habit, atMs))
  const others = lived.filter((peak) => peak.hour !== hour)
  const own = Math.max(counted, lived.find((peak) => peak.hour === hour)?.amount ?? 0)
  habit.peaks = [...others, { hour, amount: own }].sort((one, other) => other.amount - one.amount).slice(0, KNOWN_AFTER_HOURS)
  if (habit.base === null && habit.peaks.length === KNOWN_AFTER_HOURS) habit.base = { amount: least(habit.peaks), atMs }
}

/** The amount that is usual: what it came to in each of the highest hours; null where that is not known, or long forgotten. */
export function usualAmount (habit: Habit, atMs: number): number | null {
  if (habit.base === null || atMs > forgottenAtMs(habit)) return null
  const lived = livePeaks(habit, atMs)
  return lived.length === 0 ? 0 : least(lived)
}

/** When it is forgotten, if nothing of it is seen any more: Unix ms. */
export const forgottenAtMs = ({ lastMs }: Pick<Habit, 'lastMs'>): number => lastMs + FORGET_AFTER_MS

const mostCounted = ({ base }: Habit, atMs: number): number =>
  base === null ? Infinity : base.amount * Math.min(MOST_GROWTH, 2 ** Math.max(0, (atMs - base.atMs) / DOUBLES_IN_MS))

const livePeaks = ({ peaks }: Habit, atMs: number): Habit['peaks'] => peaks.filter(({ hour }) => atMs - hour * HOUR_MS <= FORGET_AFTER_MS)

const least = (peaks: Habit['peaks']): number => Math.min(...peaks.map(({ amount }) => amount))
