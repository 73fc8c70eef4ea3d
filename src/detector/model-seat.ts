import type { Comparison } from '../core/model/comparison.ts'
import type { Clock } from '../ports/clock.ts'
import type { ModelInfo, Scorer } from '../ports/scorer.ts'
import { Shadow, type ScoredRun } from './shadow.ts'

export interface ModelSeatOptions {
  readonly scorer: Scorer
  readonly clock: Clock
  /** Told of another model before the first score of it. */
  readonly onModel: (model: ModelInfo) => void
}

/** The model whose scores count, and a candidate beside it. Models change between rounds of scoring, never within one. */
export class ModelSeat {
  readonly #options: ModelSeatOptions
  #current: Scorer
  #shadow: Shadow | null = null
  /** Resolves when the round that runs is over; null between rounds. */
  #round: Promise<undefined> | null = null

  constructor (options: ModelSeatOptions) {
    this.#options = options
    this.#current = options.scorer
  }

  get scorer (): Scorer {
    return this.#current
  }

  /** Null where no candidate scores. */
  comparison (): Comparison | null {
    return this.#shadow?.comparison() ?? null
  }

  /** Scores `rows` rows, hands the probabilities on, and lets the candidate score the same. Rejects as the scorer does, or as `use` throws. */
  async score (rows: number, tensors: Float32Array, contexts: Float32Array, use: (probabilities: Float32Array, model: ModelInfo) => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#round = promise
    try {
      const beganMs = performance.now()
      const probabilities = await this.#current.score(rows, tensors, contexts)
      const run: ScoredRun = { rows, tensors, contexts, probabilities, tookMs: performance.now() - beganMs }
      use(probabilities, this.#current.model)
      await this.#shadow?.score(run)
    } finally {
      this.#round = null
      resolve(undefined)
    }
  }

  /** Resolves with the model of before, which nothing uses any more, when the other one is in its place. What is compared begins anew. */
  async promote (scorer: Scorer): Promise<Scorer> {
    await this.#betweenRounds()
    const before = this.#current
    this.#current = scorer
    if (this.#shadow !== null) this.#shadow = this.#besides(this.#shadow.scorer)
    this.#options.onModel(scorer.model)
    return before
  }

  /** A candidate, or none. Resolves when nothing uses the one before any more. */
  async setShadow (scorer: Scorer | null): Promise<void> {
    await this.#betweenRounds()
    this.#shadow = scorer === null ? null : this.#besides(scorer)
  }

  #besides (scorer: Scorer): Shadow {
    return new Shadow(scorer, { current: this.#current, clock: this.#options.clock, monotonicMs: () => performance.now() })
  }

  async #betweenRounds (): Promise<void> {
    while (this.#round !== null) await this.#round
  }
}
