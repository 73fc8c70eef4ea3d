const NONE = -1

/**
 * Doubly linked lists over the slots of a table. A slot is in at most one of them; appending it moves it.
 * With appends at the time of use, each list is in order of use, so that expiry and eviction look at its head alone.
 */
export class SlotLists {
  readonly #next: Int32Array
  readonly #previous: Int32Array
  /** Which list a slot is in, plus 1; 0 for none. */
  readonly #list: Uint8Array
  readonly #heads: Int32Array
  readonly #tails: Int32Array
  readonly #sizes: Int32Array

  constructor (slots: number, lists: number) {
    this.#next = new Int32Array(slots)
    this.#previous = new Int32Array(slots)
    this.#list = new Uint8Array(slots)
    this.#heads = new Int32Array(lists).fill(NONE)
    this.#tails = new Int32Array(lists).fill(NONE)
    this.#sizes = new Int32Array(lists)
  }

  /** The slot longest in the list, or -1. */
  head (list: number): number {
    return this.#heads[list] ?? NONE
  }

  size (list: number): number {
    return this.#sizes[list] ?? 0
  }

  append (list: number, slot: number): void {
    this.remove(slot)
    const tail = this.#tails[list] ?? NONE
    if (tail === NONE) this.#heads[list] = slot
    else this.#next[tail] = slot
    this.#previous[slot] = tail
    this.#next[slot] = NONE
    this.#tails[list] = slot
    this.#list[slot] = list + 1
    this.#sizes[list] = (this.#sizes[list] ?? 0) + 1
  }

  remove (slot: number): void {
    const list = (this.#list[slot] ?? 0) - 1
    if (list < 0) return
    const next = this.#next[slot] ?? NONE
    const previous = this.#previous[slot] ?? NONE
    if (previous === NONE) this.#heads[list] = next
    else this.#next[previous] = next
    if (next === NONE) this.#tails[list] = previous
    else this.#previous[next] = previous
    this.#list[slot] = 0
    this.#sizes[list] = (this.#sizes[list] ?? 0) - 1
  }
}
