import type { Score } from '../verdict/score.ts'
import { FEATURES, STEPS_MS, TENSOR_WINDOWS, type FeatureName, type StepMs } from '../window/window.ts'
import { exactly, type FactValue } from './condition/fact-value.ts'

/** The last 20 windows of a key at one step; any `Score` is one. */
export type KeyTensor = Pick<Score, 'stepMs' | 'windowNumber' | 'tensor'>

/** The longest time that a tensor spans: 20 windows of 60 s. */
export const MAX_WINDOW_SECONDS = TENSOR_WINDOWS * 60

/** Durations, gaps and ratios are averaged over the steps that had traffic; all others are added. */
const AVERAGED: ReadonlySet<FeatureName> = new Set(['duration_s', 'iat_mean_ms', 'iat_std_ms', 'failed_conn_ratio'])

/**
 * The step whose tensor gives a rule's window exactly: the shortest one of which at most 20 whole windows make it up.
 * Up to 10 s that is 0.5 s, up to 300 s it is 15 s (a window of 60 s is its last 4 rows), up to 1,200 s it is 60 s.
 * null where no step divides it.
 */
export function stepFor (windowSeconds: number): StepMs | null {
  const windowMs = windowSeconds * 1000
  const step = STEPS_MS.find((candidate) => windowMs <= candidate * TENSOR_WINDOWS)
  return step !== undefined && windowMs > 0 && windowMs % step === 0 ? step : null
}

/** The nearest windows that `stepFor` takes, for a mend. */
export function nearestWindows (windowSeconds: number): readonly number[] {
  const step = STEPS_MS.find((candidate) => windowSeconds * 1000 <= candidate * TENSOR_WINDOWS)
  if (step === undefined || windowSeconds <= 0) return [MAX_WINDOW_SECONDS]
  const stepSeconds = step / 1000
  return [Math.floor(windowSeconds / stepSeconds) * stepSeconds, Math.ceil(windowSeconds / stepSeconds) * stepSeconds].filter((value) => value > 0)
}

/**
 * What the tensors at hand say of a feature over the last `windowSeconds` of closed windows before `atMs`.
 *
 *     newest tensor of the window's own step | else a newest tensor of a shorter span | a sum     | a mean
 *     at hand                                | -                                      | exact     | exact
 *     not at hand                            | at hand                                | at least  | unknown
 *     not at hand                            | not at hand                            | unknown   | unknown
 *
 * The second row lets a rule on volume fire from 0.5 s windows before the first 15 s window is closed.
 * `unique_ports` is added, too: a port used in each of 4 steps counts 4 (a tensor does not say which ports they were).
 */
export function featureOver (windowSeconds: number, tensors: readonly KeyTensor[], atMs: number, feature: FeatureName): FactValue {
  const column = FEATURES.indexOf(feature)
  const step = stepFor(windowSeconds)
  const current = tensors.filter((tensor) => isNewest(tensor, atMs))
  const exact = current.find(({ stepMs }) => stepMs === step)
  const averaged = AVERAGED.has(feature)
  if (exact !== undefined && step !== null) {
    const rows = lastRows(exact.tensor, column, windowSeconds * 1000 / step)
    return exactly(averaged ? mean(rows) : sum(rows))
  }
  const partial = current.filter(({ stepMs }) => stepMs * TENSOR_WINDOWS < windowSeconds * 1000)
  if (averaged || partial.length === 0) return { type: 'unknown', why: `its last ${windowSeconds} s were not seen in full` }
  const seen = partial.map(({ tensor }) => sum(lastRows(tensor, column, TENSOR_WINDOWS)))
  return { type: 'number', low: Math.max(...seen), high: Infinity }
}

/** A tensor that ends before the last closed window may lack traffic that was seen since. */
function isNewest ({ stepMs, windowNumber }: KeyTensor, atMs: number): boolean {
  return windowNumber >= Math.floor(atMs / stepMs) - 1
}

interface Row { readonly value: number, readonly silent: boolean }

function lastRows (tensor: Float32Array, column: number, count: number): readonly Row[] {
  const flows = FEATURES.indexOf('flow_count')
  return Array.from({ length: count }, (_, index) => {
    const start = (TENSOR_WINDOWS - count + index) * FEATURES.length
    return { value: tensor[start + column] ?? 0, silent: (tensor[start + flows] ?? 0) === 0 }
  })
}

const sum = (rows: readonly Row[]): number => rows.reduce((total, { value }) => total + value, 0)

function mean (rows: readonly Row[]): number {
  const heard = rows.filter(({ silent }) => !silent)
  return heard.length === 0 ? 0 : sum(heard) / heard.length
}
