/**
 * Gives each of many names one of `capacity` slots; when all are taken the least recently used name loses its own.
 * Order lives in two typed arrays, so a use costs one map look-up and no allocation.
 */
export class SlotMap {
  /** Names that lost their slot since the start. */
  evicted = 0
  readonly #slots = new Map<string, number>()
  readonly #names: string[] = []
  readonly #newer: Int32Array
  readonly #older: Int32Array
  readonly #capacity: number
  #newest = NONE
  #oldest = NONE

  constructor (capacity: number) {
    this.#capacity = capacity
    this.#newer = new Int32Array(capacity).fill(NONE)
    this.#older = new Int32Array(capacity).fill(NONE)
  }

  get size (): number {
    return this.#slots.size
  }

  /** The slot of `name`, now the most recently used; -1 if it has none. */
  use (name: string): number {
    const slot = this.#slots.get(name)
    if (slot === undefined) return NONE
    if (slot !== this.#newest) {
      this.#unlink(slot)
      this.#link(slot)
    }
    return slot
  }

  /** The slot of `name`, without using it; -1 if it has none. */
  find (name: string): number {
    return this.#slots.get(name) ?? NONE
  }

  /** A slot for a name that has none, perhaps taken from the least recently used. What the slot held before is the caller's to clear. */
  claim (name: string): number {
    let slot = this.#names.length
    if (slot >= this.#capacity) {
      slot = this.#oldest
      this.#unlink(slot)
      this.#slots.delete(this.#names[slot] ?? '')
      this.evicted++
    }
    this.#names[slot] = name
    this.#slots.set(name, slot)
    this.#link(slot)
    return slot
  }

  #link (slot: number): void {
    this.#older[slot] = this.#newest
    this.#newer[slot] = NONE
    if (this.#newest === NONE) this.#oldest = slot
    else this.#newer[this.#newest] = slot
    this.#newest = slot
  }

  #unlink (slot: number): void {
    const newer = this.#newer[slot] ?? NONE
    const older = this.#older[slot] ?? NONE
    if (newer === NONE) this.#newest = older
    else this.#older[newer] = older
    if (older === NONE) this.#oldest = newer
    else this.#newer[older] = newer
  }
}

const NONE = -1
