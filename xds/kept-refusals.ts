import { Listeners } from '../src/wire/listeners.ts'
import type { Clock } from '../src/ports/clock.ts'
import type { ClientRefusal, NumberedRefusal } from '../src/ports/proxies.ts'

export interface KeptRefusalsOptions {
  /** Names this run of the server; no other has the same. */
  readonly instance: string
  readonly clock: Clock
  /** Refusals kept, of some 300 bytes each. */
  readonly most?: number
}

const MOST = 1_000

/**
 * What a server refused, numbered from 1 without a gap, until a controller has it in its trail. While as many are kept as there
 * may be, those that come are kept as one sum, which follows when there is room.
 */
export class KeptRefusals {
  readonly instance: string
  /** Refusals that had no place of their own, since the start. */
  summed = 0
  readonly #clock: Clock
  readonly #most: number
  readonly #news = new Listeners()
  #kept: NumberedRefusal[] = []
  #sum: Omit<NumberedRefusal, 'sequence'> | null = null
  #last = 0

  constructor ({ instance, clock, most = MOST }: KeptRefusalsOptions) {
    this.instance = instance
    this.#clock = clock
    this.#most = most
  }

  get size (): number {
    return this.#kept.length
  }

  add (refusal: ClientRefusal): void {
    const told = { ...refusal, atMs: this.#clock.now() }
    if (this.#kept.length < this.#most) {
      this.#keep(told)
      return
    }
    this.summed += refusal.count
    this.#sum = { ...told, count: refusal.count + (this.#sum?.count ?? 0) }
  }

  /** The oldest that are kept. */
  first (count: number): readonly NumberedRefusal[] {
    return this.#kept.slice(0, count)
  }

  /** Those up to this number are in a trail. */
  acknowledge (sequence: number): void {
    this.#kept = this.#kept.filter((refusal) => refusal.sequence > sequence)
    if (this.#sum === null || this.#kept.length >= this.#most) return
    const sum = this.#sum
    this.#sum = null
    this.#keep(sum)
  }

  /** Called when there is one more. */
  onAdd (listener: () => void): Disposable {
    return this.#news.add(listener)
  }

  #keep (refusal: Omit<NumberedRefusal, 'sequence'>): void {
    this.#kept.push({ ...refusal, sequence: ++this.#last })
    this.#news.call()
  }
}
