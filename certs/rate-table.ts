import { TokenBucket } from '../src/core/token-bucket.ts'

export interface RateLimit {
  readonly perSecond: number
  /** Seconds' worth that may come at once. */
  readonly seconds: number
}

/** A rate for each of many, of whom the longest unseen are forgotten first. */
export class RateTable {
  readonly #limit: RateLimit
  readonly #maxKeys: number
  readonly #buckets = new Map<string, TokenBucket>()

  constructor (limit: RateLimit, maxKeys: number) {
    this.#limit = limit
    this.#maxKeys = maxKeys
  }

  /** False where this one has used up its rate. */
  take (key: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(key) ?? new TokenBucket({ ...this.#limit, nowMs })
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    forgetOldest(this.#buckets, this.#maxKeys)
    return bucket.take(1, nowMs)
  }
}

/** Maps keep the order in which keys were set. */
export function forgetOldest (map: Map<string, unknown>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return
    map.delete(key)
  }
}
