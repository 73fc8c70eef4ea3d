/** Values from `least` up, each told to within a tenth, in a bounded table; smaller ones count as `least`. */
export class LogHistogram {
  readonly #least: number
  readonly #counts: Uint32Array
  #count = 0

  /** Values of `buckets` tenths above `least` and more count as the largest. */
  constructor ({ least, buckets }: { readonly least: number, readonly buckets: number }) {
    this.#least = least
    this.#counts = new Uint32Array(buckets)
  }

  add (value: number): void {
    const bucket = value <= this.#least ? 0 : Math.ceil(Math.log(value / this.#least) / STEP)
    const at = Math.min(bucket, this.#counts.length - 1)
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#count++
  }

  /** The value that `share` (0 to 1) of all do not exceed, rounded up to its bucket; null where there is none. */
  quantile (share: number): number | null {
    if (this.#count === 0) return null
    let seen = 0
    const at = this.#counts.findIndex((count) => (seen += count) >= share * this.#count)
    return this.#least * Math.exp(at * STEP)
  }
}

const STEP = Math.log(1.1)
