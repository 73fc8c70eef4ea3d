/**
 * An open-addressing index from hashes to slots of a table that keeps the identities itself: linear probing at a load
 * of at most one half, removal by shifting back, so that no tombstones gather.
 */
export class SlotIndex {
  readonly #mask: number
  /** Slot + 1; 0 where free. */
  readonly #cells: Int32Array
  readonly #hashes: Int32Array

  /** `hashes` is a column of the table, one a slot, written by the table before `insert`. */
  constructor (slots: number, hashes: Int32Array) {
    const size = 2 ** Math.ceil(Math.log2(2 * slots))
    this.#mask = size - 1
    this.#cells = new Int32Array(size)
    this.#hashes = hashes
  }

  /** Where to look first; go on with `next` until `at` says -1. */
  first (hash: number): number {
    return hash & this.#mask
  }

  next (cell: number): number {
    return (cell + 1) & this.#mask
  }

  /** The slot in this cell, or -1 where the search ends. */
  at (cell: number): number {
    return (this.#cells[cell] ?? 0) - 1
  }

  insert (slot: number): void {
    let cell = this.first(this.#hashes[slot] ?? 0)
    while (this.at(cell) >= 0) cell = this.next(cell)
    this.#cells[cell] = slot + 1
  }

  remove (slot: number): void {
    let hole = this.first(this.#hashes[slot] ?? 0)
    while (this.at(hole) !== slot) hole = this.next(hole)
    for (let cell = this.next(hole); ; cell = this.next(cell)) {
      const moved = this.at(cell)
      if (moved < 0) break
      const home = this.first(this.#hashes[moved] ?? 0)
      // `moved` may fill the hole unless its home lies cyclically after the hole.
      if (((cell - home) & this.#mask) < ((cell - hole) & this.#mask)) continue
      this.#cells[hole] = moved + 1
      hole = cell
    }
    this.#cells[hole] = 0
  }
}
