import type { AdmissionGap } from '../../src/core/admission/batch.ts'
import type { Clock } from '../../src/ports/clock.ts'

/** A gap is an entry of the trail: in a flood there is one for so long, and not one for each review. */
const EVERY_MS = 10_000

/** Sums up the reviews that were let through without having been looked at. */
export class UnseenReviews {
  readonly #clock: Clock
  readonly #onGap: (gap: AdmissionGap) => void
  #sum: { count: number, readonly fromMs: number, untilMs: number } | null = null

  constructor (clock: Clock, onGap: (gap: AdmissionGap) => void) {
    this.#clock = clock
    this.#onGap = onGap
  }

  add (): void {
    const nowMs = this.#clock.now()
    this.#sum ??= { count: 0, fromMs: nowMs, untilMs: nowMs }
    this.#sum.count++
    this.#sum.untilMs = Math.max(this.#sum.untilMs, nowMs)
  }

  /** Tells of what has been summed up for long enough; call it a few times a second. */
  tellWhenDue (): void {
    if (this.#sum !== null && Math.abs(this.#clock.now() - this.#sum.fromMs) >= EVERY_MS) this.tell()
  }

  tell (): void {
    const sum = this.#sum
    this.#sum = null
    if (sum !== null) this.#onGap({ cause: 'let-through', count: sum.count, from: new Date(sum.fromMs).toISOString(), until: new Date(sum.untilMs).toISOString() })
  }
}
