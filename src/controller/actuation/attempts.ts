import { backoffMs } from '../../core/backoff.ts'
import { AutoshieldError } from '../../core/errors.ts'

/** Waits between attempts at what the API server refused: it is asked again, for what refuses it may be mended. */
const BACKOFF = { baseMs: 500, maxMs: 30_000 }

interface Failure {
  readonly error: AutoshieldError
  readonly attempt: number
  readonly notBeforeMs: number
}

/** Work by what it is about, tried again after a while where it failed. */
export class Attempts {
  readonly #failures = new Map<string, Failure>()
  readonly #random: () => number

  constructor (random: () => number) {
    this.#random = random
  }

  /** Why the last attempt failed; null where it did not. */
  failureOf (key: string): AutoshieldError | null {
    return this.#failures.get(key)?.error ?? null
  }

  /** Does the work, unless it failed a moment ago. Resolves to whether it was done; never rejects. */
  async attempt (key: string, nowMs: number, work: () => Promise<unknown>): Promise<boolean> {
    const before = this.#failures.get(key)
    if (before !== undefined && nowMs < before.notBeforeMs) return false
    try {
      await work()
      this.#failures.delete(key)
      return true
    } catch (error) {
      const attempt = (before?.attempt ?? -1) + 1
      this.#failures.set(key, { error: AutoshieldError.from(error), attempt, notBeforeMs: nowMs + backoffMs(attempt, this.#random(), BACKOFF) })
      return false
    }
  }

  /** Forgets what nobody asks for any more. */
  keepOnly (keys: ReadonlySet<string>): void {
    for (const key of this.#failures.keys()) if (!keys.has(key)) this.#failures.delete(key)
  }
}
