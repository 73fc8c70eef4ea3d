import { FEATURES, TENSOR_WINDOWS, type KeyKind, type StepMs } from '../window/window.ts'
import { CONTEXT_PARTS, PARTS, RESTATED, type Part } from './part.ts'

/** What is scored again: one tensor with its context, and what is usual. Nothing of it is changed. */
export interface Occluded {
  /** [20 x 12], raw. */
  readonly tensor: Float32Array
  readonly context: Float32Array
  readonly contextColumns: readonly string[]
  /** 12 values in the order of FEATURES, of one window. */
  readonly usual: readonly number[]
  /** In the order of `contextColumns`, over the span of a tensor; null where the model does not say: then the context's own parts are left alone. */
  readonly usualContext: readonly number[] | null
}

/** The tensor with these parts moved towards the usual in these windows (rows). A silent window stays silent. */
export interface Variant {
  readonly parts: readonly Part[]
  readonly windows: readonly number[]
  /** How far on the way from what was seen (0) to the usual (1), on a scale of log(1 + x). */
  readonly share: number
}

/** A batch to be scored. */
export interface OcclusionBatch {
  readonly count: number
  readonly tensors: Float32Array
  readonly contexts: Float32Array
}

/** The key of `ModelInfo.usual`. */
export const usualKey = (kind: KeyKind, stepMs: StepMs): string => `${kind}/${stepMs}`

/** The parts that may be moved: without a usual context, the 12 features alone. */
export const movableParts = ({ usualContext }: Occluded): readonly Part[] => usualContext === null ? FEATURES : PARTS

/** One row a variant, in their order. */
export function occlusionBatch (of: Occluded, variants: readonly Variant[]): OcclusionBatch {
  const { tensor, context } = of
  const tensors = new Float32Array(variants.length * tensor.length)
  const contexts = new Float32Array(variants.length * context.length)
  for (const [row, variant] of variants.entries()) {
    const changed = { tensor: tensors.subarray(row * tensor.length, (row + 1) * tensor.length), context: contexts.subarray(row * context.length, (row + 1) * context.length) }
    changed.tensor.set(tensor)
    changed.context.set(context)
    for (const part of variant.parts) {
      const column = (FEATURES as readonly string[]).indexOf(part)
      if (column >= 0) moveFeature(of, variant, column, changed)
      else moveContext(of, variant, CONTEXT_PARTS[part] ?? [], changed.context)
    }
  }
  return { count: variants.length, tensors, contexts }
}

function moveFeature ({ tensor, usual, contextColumns }: Occluded, { windows, share }: Variant, column: number, changed: Pick<Occluded, 'tensor' | 'context'>): void {
  let [before, after] = [0, 0]
  for (const window of windows) {
    const at = window * FEATURES.length + column
    changed.tensor[at] = between(tensor[at] ?? 0, usual[column] ?? 0, share)
  }
  for (let at = column; at < tensor.length; at += FEATURES.length) {
    before += tensor[at] ?? 0
    after += changed.tensor[at] ?? 0
  }
  if (before <= 0) return
  for (const name of RESTATED[FEATURES[column] ?? ''] ?? []) {
    const index = contextColumns.indexOf(name)
    if (index >= 0) changed.context[index] = (changed.context[index] ?? 0) * after / before
  }
}

function moveContext ({ context, contextColumns, usualContext }: Occluded, { share }: Variant, names: readonly string[], changed: Float32Array): void {
  for (const name of names) {
    const index = contextColumns.indexOf(name)
    if (index >= 0) changed[index] = between(context[index] ?? 0, usualContext?.[index] ?? 0, share)
  }
}

function between (seen: number, usual: number, share: number): number {
  if (share === 1) return usual
  return Math.expm1(Math.log1p(seen) + share * (Math.log1p(usual) - Math.log1p(seen)))
}

/** Numbers of the windows (0 the oldest) in which anything was seen. */
export function activeRows (tensor: Float32Array): number[] {
  return Array.from({ length: TENSOR_WINDOWS }, (_, window) => window)
    .filter((window) => tensor.subarray(window * FEATURES.length, (window + 1) * FEATURES.length).some((value) => value !== 0))
}
