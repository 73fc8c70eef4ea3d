import { ADDRESS_WORDS } from '../flow/address.ts'
import { finish, mix } from '../flow/hash.ts'
import { FAN_IN, FAN_OUT, KeyTable, PAIR } from './key-table.ts'
import type { OwnAddresses } from './own-addresses.ts'
import { SKETCH_BITS } from './window.ts'

/** A flow belongs to at most three keys. */
export const KEYS_PER_FLOW = 3
const NONE = -1

/** Bits of the sketches that a flow sets: which, in the order of a flow's row. */
export const BIT = { port: 0, addressPort: 1, source: 2, destination: 3 } as const
const BITS_PER_FLOW = 4

/** Two words each, by which a flow's responder socket and its source are told from others, in the order of a flow's row. */
export const WORD = { addressPort: 0, source: 2 } as const
const WORDS_PER_FLOW = 4

/** Which keys each flow counts for, and how many sources of half-open attempts may hold keys at one victim. */
export class FlowKeys {
  readonly table: KeyTable
  /** Flows that count for fewer keys than they should, because the key table was full. */
  refused = 0
  /** Flows that count in their victim's fan-in alone, because too many sources were half open there. */
  crowdedOut = 0

  readonly #own: OwnAddresses
  readonly #maxHalfOpenSources: number
  readonly #keys: Int32Array
  readonly #bits: Uint8Array
  readonly #words: Int32Array
  readonly #seed: number
  readonly #ends = new Int32Array(2 * ADDRESS_WORDS)
  /** Of each pair key that has nothing but half-open attempts: the fan-in key of its victim, plus 1. */
  readonly #halfOpenAt: Int32Array
  /** Of each fan-in key: how many such pair keys there are. */
  readonly #halfOpenSources: Int32Array

  constructor (maxFlows: number, maxKeys: number, maxHalfOpenSources: number, seed: number, own: OwnAddresses) {
    this.table = new KeyTable(maxKeys, seed, (key) => this.#forgetHalfOpen(key))
    this.#own = own
    this.#maxHalfOpenSources = maxHalfOpenSources
    this.#keys = new Int32Array(maxFlows * KEYS_PER_FLOW)
    this.#bits = new Uint8Array(maxFlows * BITS_PER_FLOW)
    this.#words = new Int32Array(maxFlows * WORDS_PER_FLOW)
    this.#seed = seed
    this.#halfOpenAt = new Int32Array(maxKeys)
    this.#halfOpenSources = new Int32Array(maxKeys)
  }

  /** The key in one of a flow's three places, or -1. */
  key (slot: number, place: number): number {
    return this.#keys[slot * KEYS_PER_FLOW + place] ?? NONE
  }

  bit (slot: number, which: number): number {
    return this.#bits[slot * BITS_PER_FLOW + which] ?? 0
  }

  word (slot: number, which: number): number {
    return this.#words[slot * WORDS_PER_FLOW + which] ?? 0
  }

  /** `halfOpen`: the flow is a TCP attempt whose source may be forged. `copyEnds` writes initiator's and responder's address. */
  open (slot: number, halfOpen: boolean, responderPort: number, atMs: number, copyEnds: (slot: number, to: Int32Array) => void): void {
    copyEnds(slot, this.#ends)
    this.#setBits(slot, responderPort)
    this.#setWords(slot, responderPort)
    const ownSource = this.#own.has(this.#ends, 0)
    const ownDestination = this.#own.has(this.#ends, ADDRESS_WORDS)
    const fanIn = ownDestination ? this.#take(FAN_IN, atMs) : NONE
    this.#put(slot, FAN_IN, fanIn)
    if (halfOpen && fanIn !== NONE && !this.#hasRoom(fanIn, atMs)) {
      this.#put(slot, PAIR, NONE)
      this.#put(slot, FAN_OUT, NONE)
      this.crowdedOut++
      return
    }
    const pair = ownSource || ownDestination ? this.#take(PAIR, atMs) : NONE
    this.#put(slot, PAIR, pair)
    this.#put(slot, FAN_OUT, ownSource ? this.#take(FAN_OUT, atMs) : NONE)
    if (pair !== NONE && !halfOpen) this.#forgetHalfOpen(pair)
  }

  /** The flow's source has completed a handshake: it holds its keys by right. Returns whether the flow got keys that it lacked. */
  prove (slot: number, atMs: number, copyEnds: (slot: number, to: Int32Array) => void): boolean {
    const pair = this.key(slot, PAIR)
    if (pair !== NONE) {
      this.#forgetHalfOpen(pair)
      return false
    }
    if (this.key(slot, FAN_IN) === NONE) return false
    copyEnds(slot, this.#ends)
    this.#put(slot, PAIR, this.#take(PAIR, atMs))
    if (this.#own.has(this.#ends, 0)) this.#put(slot, FAN_OUT, this.#take(FAN_OUT, atMs))
    return true
  }

  close (slot: number): void {
    for (let place = 0; place < KEYS_PER_FLOW; place++) {
      const key = this.key(slot, place)
      if (key !== NONE) this.table.release(key)
    }
  }

  #take (kind: number, atMs: number): number {
    const key = this.table.take(kind, this.#ends, atMs)
    if (key === NONE) this.refused++
    return key
  }

  #put (slot: number, place: number, key: number): void {
    this.#keys[slot * KEYS_PER_FLOW + place] = key
    if (key !== NONE) this.table.retain(key)
  }

  /** Lets a source in that already holds its pair key, or finds a place for it among the half-open ones of this victim. */
  #hasRoom (fanIn: number, atMs: number): boolean {
    const known = this.table.find(PAIR, this.#ends)
    if (known !== NONE && !this.table.isIdle(known)) return true
    if ((this.#halfOpenSources[fanIn] ?? 0) >= this.#maxHalfOpenSources) return false
    const pair = this.table.take(PAIR, this.#ends, atMs)
    if (pair === NONE) return true // the table is full, which is counted where the key is taken
    this.#halfOpenAt[pair] = fanIn + 1
    this.#halfOpenSources[fanIn] = (this.#halfOpenSources[fanIn] ?? 0) + 1
    return true
  }

  #forgetHalfOpen (pair: number): void {
    const fanIn = (this.#halfOpenAt[pair] ?? 0) - 1
    if (fanIn < 0) return
    this.#halfOpenAt[pair] = 0
    this.#halfOpenSources[fanIn] = (this.#halfOpenSources[fanIn] ?? 0) - 1
  }

  #setBits (slot: number, responderPort: number): void {
    const at = slot * BITS_PER_FLOW
    const destination = addressHash(this.#ends, ADDRESS_WORDS)
    this.#bits[at + BIT.port] = finish(mix(0, responderPort)) & (SKETCH_BITS - 1)
    this.#bits[at + BIT.addressPort] = finish(mix(destination, responderPort)) & (SKETCH_BITS - 1)
    this.#bits[at + BIT.source] = finish(addressHash(this.#ends, 0)) & (SKETCH_BITS - 1)
    this.#bits[at + BIT.destination] = finish(destination) & (SKETCH_BITS - 1)
  }

  /** With the seed, so that nobody can choose addresses that are taken for one. */
  #setWords (slot: number, responderPort: number): void {
    const at = slot * WORDS_PER_FLOW
    for (const half of [0, 1]) {
      const salt = mix(this.#seed, half)
      this.#words[at + WORD.addressPort + half] = finish(mix(addressHash(this.#ends, ADDRESS_WORDS, salt), responderPort))
      this.#words[at + WORD.source + half] = finish(addressHash(this.#ends, 0, salt))
    }
  }
}

/** Sketches take no salt: those of all observers must unite. */
function addressHash (words: Int32Array, at: number, salt = 0): number {
  let hash = salt
  for (let word = 0; word < ADDRESS_WORDS; word++) hash = mix(hash, words[at + word] ?? 0)
  return hash
}
