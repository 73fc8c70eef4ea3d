import type { NearestExample } from '../verdict/detection.ts'
import { FEATURES } from '../window/window.ts'
import { activeRows } from './occlusion.ts'

/** Per column: log(1 + x) less the mean, times the inverse deviation, within +-5; a scale of 0 is a column that the model does not read. */
export interface Scaling {
  readonly mean: readonly number[]
  readonly scale: readonly number[]
}

/** One window of training with what made it. */
export interface Prototype extends Omit<NearestExample, 'distance'> {
  /** What `describe` gives. */
  readonly at: readonly number[]
}

/** What a model was trained on, in examples: those in the middle of each class and tool. */
export interface Prototypes {
  readonly tensorScaling: Scaling
  readonly contextScaling: Scaling
  /** Benign rows' context by `usualKey`, in the order of the model's context columns. */
  readonly usualContext: Readonly<Record<string, readonly number[]>>
  readonly examples: readonly Prototype[]
}

/** As the graph clamps what it scales. */
const LIMIT = 5

/** Values of `describe` for so many context columns. */
export const describedSize = (contextColumns: number): number => 2 * FEATURES.length + contextColumns

/**
 * A tensor as it is compared: of each feature, scaled as the graph scales it, the mean and the largest over the windows that are not silent, then the
 * scaled context. Where in the tensor something happened makes no difference: of the raw 20 x 12 values fewer neighbours had the right class.
 */
export function describe ({ tensorScaling, contextScaling }: Prototypes, tensor: Float32Array, context: Float32Array): Float64Array {
  const out = new Float64Array(describedSize(context.length))
  const active = activeRows(tensor)
  for (let column = 0; column < FEATURES.length && active.length > 0; column++) {
    let [sum, largest] = [0, -LIMIT]
    for (const row of active) {
      const value = scaled(tensor[row * FEATURES.length + column] ?? 0, tensorScaling, column)
      sum += value
      largest = Math.max(largest, value)
    }
    out[column] = sum / active.length
    out[FEATURES.length + column] = largest
  }
  for (let column = 0; column < context.length; column++) out[2 * FEATURES.length + column] = scaled(context[column] ?? 0, contextScaling, column)
  return out
}

const scaled = (value: number, { mean, scale }: Scaling, column: number): number =>
  Math.min(LIMIT, Math.max(-LIMIT, (Math.log1p(Math.max(0, value)) - (mean[column] ?? 0)) * (scale[column] ?? 0)))

/** The example at the least distance, the root of the mean squared difference; null where there is none. */
export function nearestOf (prototypes: Prototypes, tensor: Float32Array, context: Float32Array): NearestExample | null {
  const at = describe(prototypes, tensor, context)
  let [nearest, least]: [Prototype | null, number] = [null, Infinity]
  for (const example of prototypes.examples) {
    const sum = squared(at, example.at, least)
    if (sum < least) [nearest, least] = [example, sum]
  }
  if (nearest === null) return null
  const { at: _, ...of } = nearest
  return { ...of, distance: Math.sqrt(least / at.length) }
}

/** The sum of squared differences, or, once it is at least `enough`, something not less than that. */
function squared (one: ArrayLike<number>, other: ArrayLike<number>, enough: number): number {
  let sum = 0
  for (let index = 0; index < one.length && sum < enough; index++) sum += ((one[index] ?? 0) - (other[index] ?? 0)) ** 2
  return sum
}
