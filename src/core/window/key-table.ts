import { ADDRESS_WORDS, addressText, parseAddress } from '../flow/address.ts'
import { finish, mix } from '../flow/hash.ts'
import { SlotIndex } from '../flow/slot-index.ts'
import { SlotLists } from '../flow/slot-lists.ts'
import { KEY_KINDS, type WindowKey } from './window.ts'

/** Identity of a key: kind, then source and destination address; the one that a kind lacks is zero. */
const SOURCE = 1
const DESTINATION = SOURCE + ADDRESS_WORDS
const KEY_WORDS = DESTINATION + ADDRESS_WORDS

export const PAIR = KEY_KINDS.indexOf('pair')
export const FAN_OUT = KEY_KINDS.indexOf('fan-out')
export const FAN_IN = KEY_KINDS.indexOf('fan-in')

const IDLE = 0

/**
 * The keys that flows or open windows refer to, and as many of the others as there is room for: they keep the time at which
 * the key was first seen, and are given up first, the longest idle before all.
 */
export class KeyTable {
  readonly capacity: number
  readonly firstSeenMs: Float64Array
  readonly #seed: number
  readonly #identity: Int32Array
  readonly #hashes: Int32Array
  readonly #references: Int32Array
  readonly #index: SlotIndex
  readonly #idle: SlotLists
  readonly #keys: (WindowKey | undefined)[] = []
  readonly #wanted = new Int32Array(KEY_WORDS)
  readonly #onIdle: (key: number) => void
  #used = 0

  /** `onIdle` hears of each key that nothing refers to any more. */
  constructor (capacity: number, seed: number, onIdle: (key: number) => void) {
    this.capacity = capacity
    this.#onIdle = onIdle
    this.firstSeenMs = new Float64Array(capacity)
    this.#seed = seed
    this.#identity = new Int32Array(capacity * KEY_WORDS)
    this.#hashes = new Int32Array(capacity)
    this.#references = new Int32Array(capacity)
    this.#index = new SlotIndex(capacity, this.#hashes)
    this.#idle = new SlotLists(capacity, 1)
  }

  /** Keys that something refers to. */
  get live (): number {
    return this.#used - this.#idle.size(IDLE)
  }

  /** The key over `ends` (initiator's address, responder's behind it), or -1. */
  find (kind: number, ends: Int32Array): number {
    const wanted = this.#wanted
    wanted[0] = kind
    for (let word = 0; word < ADDRESS_WORDS; word++) {
      wanted[SOURCE + word] = kind === FAN_IN ? 0 : ends[word] ?? 0
      wanted[DESTINATION + word] = kind === FAN_OUT ? 0 : ends[ADDRESS_WORDS + word] ?? 0
    }
    return this.#search(this.#hashOfWanted())
  }

  /** The key, made where it is new; -1 where the table is full of keys in use. */
  take (kind: number, ends: Int32Array, atMs: number): number {
    const known = this.find(kind, ends)
    if (known >= 0) return known
    const key = this.#room()
    if (key < 0) return -1
    this.#identity.set(this.#wanted, key * KEY_WORDS)
    this.#hashes[key] = this.#hashOfWanted()
    this.#keys[key] = undefined
    this.#references[key] = 0
    this.firstSeenMs[key] = atMs
    this.#index.insert(key)
    this.#idle.append(IDLE, key)
    return key
  }

  retain (key: number): void {
    const references = this.#references[key] ?? 0
    if (references === 0) this.#idle.remove(key)
    this.#references[key] = references + 1
  }

  release (key: number): void {
    const references = (this.#references[key] ?? 0) - 1
    this.#references[key] = references
    if (references > 0) return
    this.#idle.append(IDLE, key)
    this.#onIdle(key)
  }

  isIdle (key: number): boolean {
    return this.#references[key] === 0
  }

  kind (key: number): number {
    return this.#identity[key * KEY_WORDS] ?? 0
  }

  key (key: number): WindowKey {
    const made = this.#keys[key] ?? this.#textOf(key)
    this.#keys[key] = made
    return made
  }

  /** The slot of a key given as text, or -1. */
  lookUp (key: WindowKey): number {
    const nothing = new Int32Array(ADDRESS_WORDS)
    const source = key.kind === 'fan-in' ? nothing : parseAddress(key.source)
    const destination = key.kind === 'fan-out' ? nothing : parseAddress(key.destination)
    if (source === null || destination === null) return -1
    return this.find(KEY_KINDS.indexOf(key.kind), Int32Array.of(...source, ...destination))
  }

  #textOf (key: number): WindowKey {
    const at = key * KEY_WORDS
    const source = addressText(this.#identity, at + SOURCE)
    const destination = addressText(this.#identity, at + DESTINATION)
    switch (this.kind(key)) {
      case PAIR: return Object.freeze({ kind: 'pair', source, destination })
      case FAN_OUT: return Object.freeze({ kind: 'fan-out', source })
      default: return Object.freeze({ kind: 'fan-in', destination })
    }
  }

  #room (): number {
    if (this.#used < this.capacity) return this.#used++
    const oldest = this.#idle.head(IDLE)
    if (oldest < 0) return -1
    this.#idle.remove(oldest)
    this.#index.remove(oldest)
    return oldest
  }

  #search (hash: number): number {
    for (let cell = this.#index.first(hash); ; cell = this.#index.next(cell)) {
      const key = this.#index.at(cell)
      if (key < 0 || (this.#hashes[key] === hash && this.#isWanted(key))) return key
    }
  }

  #isWanted (key: number): boolean {
    const at = key * KEY_WORDS
    for (let word = 0; word < KEY_WORDS; word++) if (this.#identity[at + word] !== this.#wanted[word]) return false
    return true
  }

  #hashOfWanted (): number {
    let hash = this.#seed
    for (let word = 0; word < KEY_WORDS; word++) hash = mix(hash, this.#wanted[word] ?? 0)
    return finish(hash)
  }
}
