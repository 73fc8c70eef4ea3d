import { CONTEXT_COLUMNS } from '../tensor/context.ts'
import { FEATURES, TENSOR_WINDOWS, type FeatureName } from '../window/window.ts'
import type { Score } from '../verdict/score.ts'
import type { Measure } from './measure.ts'
import type { Forging } from './forging.ts'
import type { PairPast, PastAttack } from './memory.ts'

/** What a kind of evidence may look at: one score, and what is remembered of its ends. */
export interface Facts {
  readonly score: Pick<Score, 'key' | 'stepMs' | 'window' | 'tensor' | 'context'>
  /** Unix ms of the newest window's start. */
  readonly atMs: number
  /** What the pair did before, this window included; null for a key that is no pair. */
  readonly past: PairPast | null
  /** The newest attack on the source by somebody else; null where none is remembered. */
  readonly attacked: PastAttack | null
  /** How much of a measure is usual for the key over a tensor's span; 0 where it is known and does none, null where it is not known long enough. */
  readonly usual: (measure: Measure, port?: number | null) => number | null
  /** How much of that a person said is usual; 1 for a use. Null where nobody said so. */
  readonly taught: (knownFor: Measure | 'use', port: number | null) => number | null
  /** The pod out of which most forged packets come that may be this key's: any pod where a source is not known to be real, else the source's own; null where none do. */
  readonly forging: Forging | null
  /** What was found at admission of the source's pod, in words; null where nothing was. */
  readonly admission: () => string | null
}

/** A feature summed over the tensor's windows. */
export function sumOf ({ score: { tensor } }: Pick<Facts, 'score'>, feature: FeatureName): number {
  let sum = 0
  for (let at = FEATURES.indexOf(feature); at < tensor.length; at += FEATURES.length) sum += tensor[at] ?? 0
  return sum
}

/** A feature's largest window. */
export function peakOf ({ score: { tensor } }: Pick<Facts, 'score'>, feature: FeatureName): number {
  let peak = 0
  for (let at = FEATURES.indexOf(feature); at < tensor.length; at += FEATURES.length) peak = Math.max(peak, tensor[at] ?? 0)
  return peak
}

/** A column of the model's context, over the tensor's whole span. */
export const contextOf = ({ score: { context } }: Pick<Facts, 'score'>, column: string): number => context[CONTEXT_COLUMNS.indexOf(column)] ?? 0

/** Mean of the failed share over windows, by their flows. */
export function failedShare ({ score: { tensor } }: Pick<Facts, 'score'>): number {
  let [failed, flows] = [0, 0]
  for (let row = 0; row < tensor.length; row += FEATURES.length) {
    const own = tensor[row + FLOWS] ?? 0
    flows += own
    failed += own * (tensor[row + FAILED] ?? 0)
  }
  return flows === 0 ? (tensor[tensor.length - FEATURES.length + FAILED] ?? 0) : failed / flows
}

const [FLOWS, FAILED] = [FEATURES.indexOf('flow_count'), FEATURES.indexOf('failed_conn_ratio')]

/** From the beginning of the first busy window to the end of the newest. */
export function spanSeconds ({ score: { tensor, stepMs } }: Pick<Facts, 'score'>): number {
  const first = tensor.findIndex((value) => value !== 0)
  return (TENSOR_WINDOWS - Math.floor(Math.max(first, 0) / FEATURES.length)) * stepMs / 1000
}

/** The responder port of at least four in five packets of the newest window that were to a named port; null where there is none. */
export function mainPort ({ score: { window: { ports } } }: Pick<Facts, 'score'>): number | null {
  const packets = ports.reduce((sum, each) => sum + each.packets, 0)
  const [first] = ports
  return first !== undefined && first.packets >= 0.8 * packets ? first.port : null
}

const ends = ({ score: { key } }: Pick<Facts, 'score'>): { readonly source: string, readonly destination: string } => ({
  source: key.kind === 'fan-in' ? 'many sources' : key.source,
  destination: key.kind === 'fan-out' ? 'many destinations' : key.destination,
})

export const sourceOf = (facts: Pick<Facts, 'score'>): string => ends(facts).source
export const destinationOf = (facts: Pick<Facts, 'score'>): string => ends(facts).destination
