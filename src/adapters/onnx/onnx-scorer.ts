import { AutoshieldError } from '../../core/errors.ts'
import type { Prototypes } from '../../core/explain/nearest.ts'
import { TENSOR_SIZE } from '../../core/tensor/tensor-table.ts'
import type { ModelInfo, Scorer } from '../../ports/scorer.ts'
import type { ModelManifest } from './manifest.ts'
import type { Session } from './session.ts'

/** A run holds the event loop for its whole length: 32 rows take 0.25 ms, and more gain almost nothing a row. */
const MAX_BATCH = 32

/** Scores with a verified model. */
export class OnnxScorer implements Scorer {
  readonly model: ModelInfo
  readonly prototypes: Prototypes | null
  readonly #session: Session
  readonly #running = new Set<Promise<Float32Array>>()
  #disposed: Promise<void> | null = null

  constructor (session: Session, manifest: ModelManifest, prototypes: Prototypes | null) {
    this.#session = session
    this.prototypes = prototypes
    const { version, classes, contextColumns, thresholds, usual, known = null, techniques } = manifest
    this.model = { version, classes, contextColumns, thresholds, usual, known, ...(techniques !== undefined && { techniques }) }
  }

  async score (count: number, tensors: Float32Array, contexts: Float32Array): Promise<Float32Array> {
    const run = this.#score(count, tensors, contexts)
    this.#running.add(run)
    try {
      return await run
    } finally {
      this.#running.delete(run)
    }
  }

  /** Waits for the runs that are under way. Again is nothing. */
  async [Symbol.asyncDispose] (): Promise<void> {
    this.#disposed ??= Promise.allSettled(this.#running).then(async () => this.#session[Symbol.asyncDispose]())
    await this.#disposed
  }

  async #score (count: number, tensors: Float32Array, contexts: Float32Array): Promise<Float32Array> {
    const { classes, contextColumns: { length: columns } } = this.model
    if (tensors.length < count * TENSOR_SIZE || contexts.length < count * columns) {
      throw new AutoshieldError('INTERNAL', `a batch of ${count} needs ${count * TENSOR_SIZE} tensor and ${count * columns} context values, got ${tensors.length} and ${contexts.length}`)
    }
    const probabilities = new Float32Array(count * classes.length)
    for (let first = 0; first < count; first += MAX_BATCH) {
      const end = Math.min(first + MAX_BATCH, count)
      const part = await this.#session.run(end - first, tensors.subarray(first * TENSOR_SIZE, end * TENSOR_SIZE), contexts.subarray(first * columns, end * columns))
      probabilities.set(part, first * classes.length)
    }
    return probabilities
  }
}
