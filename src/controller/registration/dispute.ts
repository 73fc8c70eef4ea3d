import { backoffMs } from '../../core/backoff.ts'

/** Corrections of what somebody else changed wait longer and longer: half a minute in all before it counts as a dispute. */
const PACE = { baseMs: 1_000, maxMs: 600_000 }
/** So many corrections without rest, and somebody else wants it otherwise. */
export const CONTESTED_AFTER = 6
/** Above the longest wait, so that a dispute at its slowest does not look like its end. */
const REST_MS = 3 * PACE.maxMs

/**
 * How often somebody else changed what is ours. It is never given up: whoever deletes the webhooks six times would
 * otherwise have switched them off for good, and quietly. It ends up at one correction in 5 to 10 minutes, and is reported.
 */
export class Dispute {
  readonly #random: () => number
  #corrections = 0
  #lastMs = 0
  #waitMs = 0

  /** `random` is uniform in [0, 1). */
  constructor (random: () => number) {
    this.#random = random
  }

  /** When the next correction may be made. */
  dueMs (): number {
    return this.#lastMs + this.#waitMs
  }

  corrected (nowMs: number): void {
    if (nowMs - this.#lastMs > REST_MS) this.#corrections = 0
    this.#waitMs = backoffMs(this.#corrections, this.#random(), PACE)
    this.#corrections++
    this.#lastMs = nowMs
  }

  contested (nowMs: number): boolean {
    return this.#corrections >= CONTESTED_AFTER && nowMs - this.#lastMs <= REST_MS
  }
}
