import { ADDRESS_WORDS } from './address.ts'
import { finish, mix } from './hash.ts'
import { DESTINATION, DESTINATION_PORT, PROTOCOL, PROTOCOLS, SOURCE, SOURCE_PORT } from './packet.ts'
import { SlotIndex } from './slot-index.ts'

/** A flow's identity: the lower end's address and port, the higher end's, the protocol. Which end is lower means nothing. */
const LOW = 0
const HIGH = 4
const LOW_PORT = 8
const HIGH_PORT = 9
const FLOW_PROTOCOL = 10
const IDENTITY_WORDS = 11

/** The flows under way, as columns over slots of a fixed number; it neither decides when a flow ends nor what its packets mean. */
export class FlowTable {
  readonly capacity: number
  /** 1 where the initiator is the lower end. */
  readonly initiatorIsLow: Uint8Array
  /** Unix ms of the first and of the newest packet. */
  readonly firstMs: Float64Array
  readonly lastMs: Float64Array
  /** A number that no other flow has or had; 0 where the slot is free. */
  readonly serials: Float64Array
  #live = 0
  #serial = 0
  /** After `find`: whether the packet's source is the flow's lower end. */
  fromLow = true

  readonly #seed: number
  readonly #identity: Int32Array
  readonly #hashes: Int32Array
  readonly #index: SlotIndex
  /** Slots that were given back; those from `#fresh` up were never taken. */
  readonly #free: Int32Array
  #freeCount = 0
  #fresh = 0
  #hash = 0

  constructor (capacity: number, seed: number) {
    this.capacity = capacity
    this.#seed = seed
    this.initiatorIsLow = new Uint8Array(capacity)
    this.firstMs = new Float64Array(capacity)
    this.lastMs = new Float64Array(capacity)
    this.serials = new Float64Array(capacity)
    this.#identity = new Int32Array(capacity * IDENTITY_WORDS)
    this.#hashes = new Int32Array(capacity)
    this.#index = new SlotIndex(capacity, this.#hashes)
    this.#free = new Int32Array(capacity)
  }

  get live (): number {
    return this.#live
  }

  get full (): boolean {
    return this.#live === this.capacity
  }

  /** The slot of the packet's flow in either direction, or -1. */
  find (packet: Int32Array): number {
    this.fromLow = sourceIsLow(packet)
    const low = this.fromLow ? SOURCE : DESTINATION
    const high = this.fromLow ? DESTINATION : SOURCE
    const lowPort = packet[this.fromLow ? SOURCE_PORT : DESTINATION_PORT] ?? 0
    const highPort = packet[this.fromLow ? DESTINATION_PORT : SOURCE_PORT] ?? 0
    const protocol = packet[PROTOCOL] ?? 0
    this.#hash = this.#hashOf(packet, low, high, lowPort, highPort, protocol)
    const identity = this.#identity
    for (let cell = this.#index.first(this.#hash); ; cell = this.#index.next(cell)) {
      const slot = this.#index.at(cell)
      if (slot < 0) return -1
      if (this.#hashes[slot] !== this.#hash) continue
      const at = slot * IDENTITY_WORDS
      if (identity[at + LOW_PORT] === lowPort && identity[at + HIGH_PORT] === highPort && identity[at + FLOW_PROTOCOL] === protocol &&
        sameAddress(identity, at + LOW, packet, low) && sameAddress(identity, at + HIGH, packet, high)) return slot
    }
  }

  /** Takes a free slot for the packet that `find` has just not found; the table must not be full. */
  insert (packet: Int32Array, initiatorIsSource: boolean, atMs: number): number {
    const slot = this.#freeCount > 0 ? this.#free[--this.#freeCount] ?? 0 : this.#fresh++
    const at = slot * IDENTITY_WORDS
    const low = this.fromLow ? SOURCE : DESTINATION
    const high = this.fromLow ? DESTINATION : SOURCE
    for (let word = 0; word < ADDRESS_WORDS; word++) {
      this.#identity[at + LOW + word] = packet[low + word] ?? 0
      this.#identity[at + HIGH + word] = packet[high + word] ?? 0
    }
    this.#identity[at + LOW_PORT] = packet[this.fromLow ? SOURCE_PORT : DESTINATION_PORT] ?? 0
    this.#identity[at + HIGH_PORT] = packet[this.fromLow ? DESTINATION_PORT : SOURCE_PORT] ?? 0
    this.#identity[at + FLOW_PROTOCOL] = packet[PROTOCOL] ?? 0
    this.#hashes[slot] = this.#hash
    this.initiatorIsLow[slot] = initiatorIsSource === this.fromLow ? 1 : 0
    this.firstMs[slot] = atMs
    this.lastMs[slot] = atMs
    this.serials[slot] = ++this.#serial
    this.#index.insert(slot)
    this.#live++
    return slot
  }

  remove (slot: number): void {
    this.#index.remove(slot)
    this.serials[slot] = 0
    this.#free[this.#freeCount++] = slot
    this.#live--
  }

  /** Whether a packet from `packet`'s source goes from the initiator to the responder; for packets that `find` cannot be asked about. */
  isFromInitiator (slot: number, packet: Int32Array): boolean {
    const at = slot * IDENTITY_WORDS + (this.initiatorIsLow[slot] === 1 ? LOW : HIGH)
    return sameAddress(this.#identity, at, packet, SOURCE)
  }

  protocol (slot: number): number {
    return this.#identity[slot * IDENTITY_WORDS + FLOW_PROTOCOL] ?? 0
  }

  /** 0 where the protocol has no ports. */
  responderPort (slot: number): number {
    const protocol = this.protocol(slot)
    if (protocol !== PROTOCOLS.tcp && protocol !== PROTOCOLS.udp) return 0
    return this.#identity[slot * IDENTITY_WORDS + (this.initiatorIsLow[slot] === 1 ? HIGH_PORT : LOW_PORT)] ?? 0
  }

  /** Copies the initiator's address to `to` and the responder's behind it. */
  copyEnds (slot: number, to: Int32Array): void {
    const at = slot * IDENTITY_WORDS
    const initiator = this.initiatorIsLow[slot] === 1 ? LOW : HIGH
    const responder = initiator === LOW ? HIGH : LOW
    for (let word = 0; word < ADDRESS_WORDS; word++) {
      to[word] = this.#identity[at + initiator + word] ?? 0
      to[ADDRESS_WORDS + word] = this.#identity[at + responder + word] ?? 0
    }
  }

  #hashOf (packet: Int32Array, low: number, high: number, lowPort: number, highPort: number, protocol: number): number {
    let hash = mix(this.#seed, packet[low + 3] ?? 0)
    hash = mix(hash, packet[high + 3] ?? 0)
    hash = mix(hash, (lowPort << 16) ^ highPort)
    if (packet[low + 2] !== 0xffff || packet[low] !== 0) {
      for (let word = 0; word < 3; word++) hash = mix(mix(hash, packet[low + word] ?? 0), packet[high + word] ?? 0)
    }
    return finish(hash ^ protocol)
  }
}

function sourceIsLow (packet: Int32Array): boolean {
  for (let word = ADDRESS_WORDS - 1; word >= 0; word--) { // the last word differs most often
    const source = packet[SOURCE + word] ?? 0
    const destination = packet[DESTINATION + word] ?? 0
    if (source !== destination) return source < destination
  }
  return (packet[SOURCE_PORT] ?? 0) <= (packet[DESTINATION_PORT] ?? 0)
}

function sameAddress (a: Int32Array, at: number, b: Int32Array, bt: number): boolean {
  return a[at + 3] === b[bt + 3] && a[at + 2] === b[bt + 2] && a[at + 1] === b[bt + 1] && a[at] === b[bt]
}
