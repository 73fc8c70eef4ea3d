import type { FeatureEvidence } from '../verdict/detection.ts'
import { FEATURES, TENSOR_WINDOWS, type FeatureName, type KeyKind, type StepMs } from '../window/window.ts'

/** Rows of an occlusion batch: the tensor as it was, then one variant a feature in the order of FEATURES. */
export const OCCLUSION_ROWS = 1 + FEATURES.length

/** A batch to be scored. */
export interface OcclusionBatch {
  readonly count: number
  readonly tensors: Float32Array
  readonly contexts: Float32Array
}

/** The key of `ModelInfo.usual`. */
export const usualKey = (kind: KeyKind, stepMs: StepMs): string => `${kind}/${stepMs}`

/**
 * Context columns that say over the span what a feature says of each window. They are brought down in the same proportion,
 * or the model would still read the feature from them and the feature would seem to matter less than it does.
 */
const RESTATED: Readonly<Partial<Record<FeatureName, readonly string[]>>> = {
  bytes_sent: ['mean_payload_sent'],
  bytes_received: ['mean_payload_received'],
  failed_conn_ratio: ['half_open', 'unanswered'],
  unique_ports: ['distinct_ports', 'distinct_peers'],
}

/**
 * Copies of one tensor in which each feature in turn has its usual value, in every window that was not silent (a silent one stays silent).
 * `tensor` is [20 x 12], `usual` 12 values in the order of FEATURES; neither is changed.
 */
export function occlusionBatch (tensor: Float32Array, context: Float32Array, usual: readonly number[], contextColumns: readonly string[]): OcclusionBatch {
  const tensors = new Float32Array(OCCLUSION_ROWS * tensor.length)
  const contexts = new Float32Array(OCCLUSION_ROWS * context.length)
  const active = activeRows(tensor)
  for (let row = 0; row < OCCLUSION_ROWS; row++) {
    tensors.set(tensor, row * tensor.length)
    contexts.set(context, row * context.length)
  }
  for (const [column, feature] of FEATURES.entries()) {
    const value = usual[column] ?? 0
    const row = 1 + column
    let sum = 0
    for (const window of active) {
      const at = window * FEATURES.length + column
      sum += tensor[at] ?? 0
      tensors[row * tensor.length + at] = value
    }
    if (sum <= 0) continue
    const proportion = value * active.length / sum
    for (const name of RESTATED[feature] ?? []) {
      const index = contextColumns.indexOf(name)
      if (index >= 0) contexts[row * context.length + index] = (context[index] ?? 0) * proportion
    }
  }
  return { count: OCCLUSION_ROWS, tensors, contexts }
}

/** Numbers of the windows (0 the oldest) in which anything was seen. */
export function activeRows (tensor: Float32Array): number[] {
  return Array.from({ length: TENSOR_WINDOWS }, (_, window) => window)
    .filter((window) => tensor.subarray(window * FEATURES.length, (window + 1) * FEATURES.length).some((value) => value !== 0))
}

/** What a rescored occlusion batch says: how far the probability of one class falls with each feature at its usual value, largest fall first. */
export function evidenceOf (
  tensor: Float32Array, probabilities: Float32Array, classIndex: number
): Omit<FeatureEvidence, 'usual' | 'usualFrom'>[] {
  const classes = probabilities.length / OCCLUSION_ROWS
  const whole = probabilities[classIndex] ?? 0
  const newest = (TENSOR_WINDOWS - 1) * FEATURES.length
  return FEATURES
    .map((feature, column) => ({
      feature,
      value: tensor[newest + column] ?? 0,
      contribution: whole - (probabilities[(1 + column) * classes + classIndex] ?? 0),
    }))
    .sort((a, b) => b.contribution - a.contribution)
}
