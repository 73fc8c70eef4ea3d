import type { ScoreEvent, ScoreSource } from '../ports/scores.ts'

export interface ScoreWatchParts {
  readonly scores: ScoreSource
  readonly floor: number
  /** Whether some rule must be asked about every key at each closed window. */
  readonly needsEveryKey: () => boolean
  readonly hear: (event: ScoreEvent) => Promise<void>
}

/** Listens to the detectors, for as much as the rules need; asks anew when they need more or less. */
export class ScoreWatch {
  readonly #parts: ScoreWatchParts
  #everyKey = false
  #again = new AbortController()

  constructor (parts: ScoreWatchParts) {
    this.#parts = parts
  }

  /** Works until the signal aborts or the source has nothing more. */
  async run (signal: AbortSignal): Promise<void> {
    const { scores, floor, needsEveryKey, hear } = this.#parts
    do {
      this.#again = new AbortController()
      this.#everyKey = needsEveryKey()
      const until = AbortSignal.any([signal, this.#again.signal])
      for await (const event of scores.watch({ floor, everyKey: this.#everyKey }, until)) await hear(event)
    } while (this.#again.signal.aborted && !signal.aborted)
  }

  /** To be called when rules or classes changed. */
  review (): void {
    if (this.#everyKey !== this.#parts.needsEveryKey()) this.#again.abort()
  }
}
