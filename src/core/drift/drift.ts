import { Type, type Static } from 'typebox'
import { FEATURES } from '../window/window.ts'
import { BUCKETS, HISTOGRAMS } from './buckets.ts'
import { rareShare } from './rare-share.ts'
import type { Known } from './known.ts'

/** What the observers of a namespace saw since they were last asked: 15 s windows of pairs. */
export interface WindowCounts {
  readonly namespace: string
  readonly windows: number
  /** [12 x 32]: windows by feature and bucket. */
  readonly buckets: ArrayLike<number>
}

interface Epoch {
  readonly startMs: number
  windows: number
  readonly buckets: Float64Array
}

/** Of each namespace this epoch and the one before; only the functions of this file change it. Bounded; what was quiet longest goes first. */
export type Traffic = Map<string, { now: Epoch, before: Epoch | null }>

/** What is told is of the last 6 to 12 hours. */
const EPOCH_MS = 6 * 3_600_000
const MAX_NAMESPACES = 1_000
/** Fewer windows say nothing: ten busy pairs have as many in five minutes. */
const ENOUGH_WINDOWS = 200

export const STANDINGS = ['learning', 'familiar', 'unfamiliar'] as const

const FeatureDrift = Type.Object({
  feature: Type.String(),
  unknown: Type.Number({ minimum: 0, maximum: 1, description: 'Share of the windows whose value fewer than one in a thousand of the training set had.' }),
  seen: Type.Array(Type.Number(), { description: 'Share of windows in each bucket, here.' }),
  known: Type.Array(Type.Number(), { description: 'The same in training.' }),
}, { additionalProperties: false })

/** How the traffic of one namespace differs from what the model was trained on. */
export const Drift = Type.Object({
  namespace: Type.String(),
  windows: Type.Integer({ minimum: 0, description: '15 s windows of pairs in the last 6 to 12 hours.' }),
  standing: Type.Enum([...STANDINGS], { description: 'learning: too little was seen. unfamiliar: it has more that training hardly had than any run of the training set has beside the others.' }),
  unknown: Type.Number({ minimum: 0, maximum: 1, description: 'The largest of its features.' }),
  limit: Type.Number({ minimum: 0, maximum: 1, description: 'Above it a namespace is unfamiliar.' }),
  features: Type.Array(FeatureDrift, { description: 'The most unknown first.' }),
}, { $id: 'Drift', additionalProperties: false })
export type Drift = Static<typeof Drift>

/** Where a detection was made whose model does not know such traffic. */
export const Unfamiliar = Type.Object({
  namespace: Type.String({ description: 'Of the observer.' }),
  unknown: Type.Number({ description: 'Share of its windows that have what the training set hardly had.' }),
  limit: Type.Number({ description: 'Above it a namespace is unfamiliar to the model.' }),
}, { $id: 'Unfamiliar', additionalProperties: false })
export type Unfamiliar = Static<typeof Unfamiliar>

/** What is told of a detection there; null where the model knows the like, or too little was seen to tell. */
export const unfamiliarOf = ({ namespace, standing, unknown, limit }: Drift): Unfamiliar | null => standing === 'unfamiliar' ? { namespace, unknown, limit } : null

const newEpoch = (startMs: number): Epoch => ({ startMs, windows: 0, buckets: new Float64Array(HISTOGRAMS) })

/** Adds what was counted. */
export function addCounts (traffic: Traffic, { namespace, windows, buckets }: WindowCounts, nowMs: number): void {
  const startMs = Math.floor(nowMs / EPOCH_MS) * EPOCH_MS
  const known = traffic.get(namespace)
  const epochs = known?.now.startMs === startMs ? known : { now: newEpoch(startMs), before: known !== undefined && startMs - known.now.startMs === EPOCH_MS ? known.now : null }
  epochs.now.windows += windows
  for (let i = 0; i < HISTOGRAMS; i++) epochs.now.buckets[i] = (epochs.now.buckets[i] ?? 0) + (buckets[i] ?? 0)
  traffic.delete(namespace)
  traffic.set(namespace, epochs)
  if (traffic.size > MAX_NAMESPACES) traffic.delete(traffic.keys().next().value ?? '')
}

/** How a namespace differs from what the model knows; null where nothing of it was counted. */
export function driftOf (traffic: Traffic, namespace: string, known: Known): Drift | null {
  const epochs = traffic.get(namespace)
  if (epochs === undefined) return null
  const { now, before } = epochs
  const windows = now.windows + (before?.windows ?? 0)
  const features = FEATURES.flatMap((feature, column) => {
    const shares = known.shares[column] ?? []
    if (shares.length === 0) return []
    const seen = Array.from({ length: BUCKETS }, (_, bucket) => ((now.buckets[column * BUCKETS + bucket] ?? 0) + (before?.buckets[column * BUCKETS + bucket] ?? 0)) / Math.max(1, windows))
    return [{ feature, unknown: rareShare(seen, shares), seen: trimmed(seen), known: [...shares] }]
  })
  const unknown = Math.max(0, ...features.map((feature) => feature.unknown))
  const standing = windows < ENOUGH_WINDOWS ? 'learning' : unknown > known.limit ? 'unfamiliar' : 'familiar'
  return { namespace, windows, standing, unknown, limit: known.limit, features: features.toSorted((one, other) => other.unknown - one.unknown) }
}

const trimmed = (shares: readonly number[]): number[] => shares.slice(0, shares.findLastIndex((share) => share > 0) + 1)

const SavedEpoch = Type.Object({ startMs: Type.Number(), windows: Type.Number(), buckets: Type.Array(Type.Number(), { minItems: HISTOGRAMS, maxItems: HISTOGRAMS }) })
export const SavedTraffic = Type.Object({
  version: Type.Literal(1),
  namespaces: Type.Array(Type.Object({ namespace: Type.String(), now: SavedEpoch, before: Type.Union([SavedEpoch, Type.Null()]) })),
})

const saveEpoch = ({ startMs, windows, buckets }: Epoch): Static<typeof SavedEpoch> => ({ startMs, windows, buckets: [...buckets] })
const loadEpoch = ({ startMs, windows, buckets }: Static<typeof SavedEpoch>): Epoch => ({ startMs, windows, buckets: Float64Array.from(buckets) })

/** Plain JSON of it. */
export const saveTraffic = (traffic: Traffic): Static<typeof SavedTraffic> =>
  ({ version: 1, namespaces: [...traffic].map(([namespace, { now, before }]) => ({ namespace, now: saveEpoch(now), before: before === null ? null : saveEpoch(before) })) })

export const loadTraffic = ({ namespaces }: Static<typeof SavedTraffic>): Traffic =>
  new Map(namespaces.map(({ namespace, now, before }) => [namespace, { now: loadEpoch(now), before: before === null ? null : loadEpoch(before) }]))
