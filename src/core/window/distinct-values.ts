import { finish, mix } from '../flow/hash.ts'

const FIRST_CAPACITY = 1024
/** Beyond it values are not told apart any more; the sketch beside them then estimates. 12 bytes a value at a load of one half. */
const MAX_VALUES = 2 ** 18

/**
 * Which values each cell of a lane has seen, so that the first sight of one can be counted. A value is two 32-bit words: a port as it
 * is, or 64 bits of hash of an address, with which two of a million differ but for one case in 40 million.
 */
export class DistinctValues {
  /** True when values came that there was no room for. */
  overflown = false
  #count = 0
  #mask = 0
  /** Cell + 1; 0 where free. */
  #cells = new Int32Array(0)
  #firsts = new Int32Array(0)
  #seconds = new Int32Array(0)

  constructor () {
    this.#allocate(FIRST_CAPACITY)
  }

  /** Whether the cell sees this value for the first time. */
  add (cell: number, first: number, second: number): boolean {
    let at = this.#home(cell, first, second)
    for (; this.#cells[at] !== 0; at = (at + 1) & this.#mask) {
      if (this.#cells[at] === cell + 1 && this.#firsts[at] === first && this.#seconds[at] === second) return false
    }
    if (this.#count >= MAX_VALUES) {
      this.overflown = true
      return false
    }
    this.#cells[at] = cell + 1
    this.#firsts[at] = first
    this.#seconds[at] = second
    if (++this.#count * 2 > this.#mask) this.#grow()
    return true
  }

  each (take: (cell: number, first: number, second: number) => void): void {
    if (this.#count === 0) return
    for (let at = 0; at <= this.#mask; at++) {
      const cell = (this.#cells[at] ?? 0) - 1
      if (cell >= 0) take(cell, this.#firsts[at] ?? 0, this.#seconds[at] ?? 0)
    }
  }

  clear (): void {
    this.overflown = false
    if (this.#count === 0) return
    // A table that a flood made large would cost its size at every later window.
    if (this.#mask + 1 > FIRST_CAPACITY && this.#count * 8 < this.#mask) this.#allocate(FIRST_CAPACITY)
    else this.#cells.fill(0)
    this.#count = 0
  }

  #home (cell: number, first: number, second: number): number {
    return finish(mix(mix(cell, first), second)) & this.#mask
  }

  #allocate (capacity: number): void {
    this.#mask = capacity - 1
    this.#cells = new Int32Array(capacity)
    this.#firsts = new Int32Array(capacity)
    this.#seconds = new Int32Array(capacity)
  }

  #grow (): void {
    const [cells, firsts, seconds] = [this.#cells, this.#firsts, this.#seconds]
    this.#allocate(2 * cells.length)
    this.#count = 0
    for (let at = 0; at < cells.length; at++) {
      const cell = (cells[at] ?? 0) - 1
      if (cell >= 0) this.add(cell, firsts[at] ?? 0, seconds[at] ?? 0)
    }
  }
}
