import type { OwnTechniques } from '../core/classes.ts'
import type { Known } from '../core/drift/known.ts'
import type { Prototypes } from '../core/explain/nearest.ts'

/** What a loaded, verified model says of itself. */
export interface ModelInfo {
  readonly version: string
  readonly classes: readonly string[]
  readonly contextColumns: readonly string[]
  /** Per class, in the order of `classes`: the probability at which one window is enough; 1 for BENIGN. */
  readonly thresholds: readonly number[]
  /** Medians of benign training windows, [key kind][step] -> 12 features; `usual` where a key has no history. */
  readonly usual: Readonly<Record<string, readonly number[]>>
  /** What it was trained on; null for a model that does not say. */
  readonly known: Known | null
  /** ATT&CK techniques of classes of one's own; absent where it names none. */
  readonly techniques?: OwnTechniques
}

/** Scores batches of tensors. Calls may block their thread, so a scorer lives in the detector's process. */
export interface Scorer extends AsyncDisposable {
  readonly model: ModelInfo
  /** Examples of what it was trained on; null where it came without. */
  readonly prototypes: Prototypes | null
  /**
   * `tensors` is [count, 20, 12] and `contexts` [count, model.contextColumns.length], both row-major.
   * Resolves to [count, classes] probabilities, a fresh array that the caller owns.
   */
  score: (count: number, tensors: Float32Array, contexts: Float32Array) => Promise<Float32Array>
}
