import { Comparer, type Comparison } from '../core/model/comparison.ts'
import type { Clock } from '../ports/clock.ts'
import type { Scorer } from '../ports/scorer.ts'

/** After a run it rests so many times as long: it takes a quarter of the time at most. */
const RESTS = 3

/** One run of the model whose scores count. */
export interface ScoredRun {
  readonly rows: number
  readonly tensors: Float32Array
  readonly contexts: Float32Array
  readonly probabilities: Float32Array
  readonly tookMs: number
}

/** A candidate that scores beside the current model, and is compared with it. Nothing follows from its scores. */
export class Shadow {
  readonly scorer: Scorer
  readonly #clock: Clock
  readonly #monotonicMs: () => number
  readonly #comparer: Comparer
  #restUntilMs = -Infinity

  constructor (scorer: Scorer, { current, clock, monotonicMs }: { readonly current: Scorer, readonly clock: Clock, readonly monotonicMs: () => number }) {
    this.scorer = scorer
    this.#clock = clock
    this.#monotonicMs = monotonicMs
    this.#comparer = new Comparer(current.model, scorer.model, clock.now())
  }

  /** Scores the same rows, unless it must rest. Never rejects: a run that fails is counted. */
  async score ({ rows, tensors, contexts, probabilities, tookMs }: ScoredRun): Promise<void> {
    const beganMs = this.#monotonicMs()
    if (beganMs < this.#restUntilMs) {
      this.#comparer.skip(rows)
      return
    }
    try {
      const candidate = await this.scorer.score(rows, tensors, contexts)
      this.#comparer.add(rows, probabilities, candidate, { currentMs: tookMs, candidateMs: this.#monotonicMs() - beganMs })
    } catch {
      this.#comparer.fail(rows)
    }
    const endedMs = this.#monotonicMs()
    this.#restUntilMs = endedMs + RESTS * (endedMs - beganMs)
  }

  comparison (): Comparison {
    return this.#comparer.told(this.#clock.now())
  }
}
