/**
 * Allows `perSecond` units a second as a mean over `seconds`: that many seconds' worth may come at once after a quiet
 * time. Times are milliseconds of any clock that does not go back.
 */
export class TokenBucket {
  readonly #perMs: number
  readonly #capacity: number
  #tokens: number
  #atMs: number

  constructor ({ perSecond, seconds, nowMs }: { perSecond: number, seconds: number, nowMs: number }) {
    this.#perMs = perSecond / 1000
    this.#capacity = perSecond * seconds
    this.#tokens = this.#capacity
    this.#atMs = nowMs
  }

  /** Takes `units` if they are there; otherwise takes nothing and says no. */
  take (units: number, nowMs: number): boolean {
    this.#refill(nowMs)
    if (units > this.#tokens) return false
    this.#tokens -= units
    return true
  }

  /** Milliseconds until `units` are there; Infinity for more than can ever be. */
  waitMs (units: number, nowMs: number): number {
    this.#refill(nowMs)
    if (units > this.#capacity) return Infinity
    return Math.max(0, (units - this.#tokens) / this.#perMs)
  }

  #refill (nowMs: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + Math.max(0, nowMs - this.#atMs) * this.#perMs)
    this.#atMs = nowMs
  }
}
