import { Attempts, PHASES, type AttemptSink, type Phase } from './attempts.ts'
import { FlowTable } from './flow-table.ts'
import { FragmentMemory } from './fragment-memory.ts'
import {
  DESTINATION_PORT, FLAG, FRAGMENT, FRAGMENTS, ICMP_ROLE, ICMP_ROLES, MAX_SEGMENT, OPTION_BYTES, PAYLOAD, PROTOCOL, PROTOCOLS, SEQUENCE,
  SOURCE_PORT, TCP_FLAGS,
} from './packet.ts'
import { isServicePort } from './service-ports.ts'
import { SlotLists } from './slot-lists.ts'

export const IDLE_TCP_MS = 15 * 60_000
export const IDLE_OTHER_MS = 60_000
/** How long an ended flow keeps its ports, for the last ACKs and repeated RSTs that belong to it. */
const LINGER_MS = IDLE_OTHER_MS

/** Flows in order of use, by what an eviction costs: an ended flow nothing, an attempt little, an established connection its direction. */
const LISTS = { ended: 0, attempt: 1, other: 2, established: 3 } as const
const IDLE_MS = [LINGER_MS, IDLE_TCP_MS, IDLE_OTHER_MS, IDLE_TCP_MS] as const

/** Ethernet's 1500 less IP and TCP headers: for connections whose SYN was not seen. */
const USUAL_SEGMENT = 1460

export interface FlowSink extends AttemptSink {
  /** A flow took this slot. */
  opened: (slot: number) => void
  /** The flow leaves its slot; what was counted for it must be taken now. */
  released: (slot: number) => void
}

/** Gives each packet to its flow: who began it, where it is in its life, when it ends. */
export class FlowTracker {
  readonly table: FlowTable
  readonly attempts: Attempts
  /** After `track`: whether the packet goes from the initiator to the responder. */
  sent = true
  #opened = 0
  #evicted = 0

  readonly #sink: FlowSink
  readonly #order: SlotLists
  readonly #fragments = new FragmentMemory()
  readonly #segment: Uint16Array
  readonly #sequence: Int32Array

  constructor (maxFlows: number, seed: number, sink: FlowSink) {
    this.table = new FlowTable(maxFlows, seed)
    this.attempts = new Attempts(maxFlows, sink)
    this.#sink = sink
    this.#order = new SlotLists(maxFlows, 4)
    this.#segment = new Uint16Array(maxFlows)
    this.#sequence = new Int32Array(maxFlows)
  }

  /** Flows begun, and flows that had to leave for others while they were alive. */
  get opened (): number {
    return this.#opened
  }

  get evicted (): number {
    return this.#evicted
  }

  /** The slot of the packet's flow; -1 for a later fragment whose first was not seen. */
  track (packet: Int32Array, atMs: number): number {
    const fragment = packet[FRAGMENT]
    if (fragment === FRAGMENTS.later) return this.#trackFragment(packet, atMs)
    const slot = this.#flowOf(packet, atMs)
    const role = packet[ICMP_ROLE]
    const isError = role === ICMP_ROLES.failure || role === ICMP_ROLES.notice
    // An error travels to the sender of what it quotes.
    this.sent = ((this.table.initiatorIsLow[slot] === 1) === this.table.fromLow) !== isError
    this.attempts.expire(slot, atMs)
    const protocol = packet[PROTOCOL]
    if (isError) {
      // Errors about the responder's answers (a client that has closed its socket) say nothing about the attempt.
      if (role === ICMP_ROLES.failure && !this.sent && (protocol === PROTOCOLS.tcp || protocol === PROTOCOLS.udp)) this.attempts.refused(slot, atMs)
    } else if (protocol === PROTOCOLS.tcp) this.#tcp(slot, packet, atMs)
    else if (protocol === PROTOCOLS.udp) this.attempts.datagram(slot, this.sent, packet[PAYLOAD] ?? 0, atMs)
    if (fragment === FRAGMENTS.first) this.#fragments.remember(packet, slot, this.table.serials[slot] ?? 0)
    if (atMs > (this.table.lastMs[slot] ?? 0)) this.table.lastMs[slot] = atMs
    return slot
  }

  /** How many packets on the wire an offload frame of this flow stands for; 1 for all others. */
  segments (slot: number, packet: Int32Array): number {
    const payload = packet[PAYLOAD] ?? 0
    if (payload <= 536 || packet[PROTOCOL] !== PROTOCOLS.tcp) return 1 // 536: the least segment that every host takes (RFC 9293)
    const announced = this.#segment[slot] ?? 0
    // Options take their place in each segment (RFC 6691).
    const room = (announced === 0 ? USUAL_SEGMENT : announced) - (packet[OPTION_BYTES] ?? 0)
    // A router may have lowered what was announced; what fits an ordinary frame is one packet in any case.
    return payload <= Math.max(room, USUAL_SEGMENT) ? 1 : Math.ceil(payload / Math.max(room, 1))
  }

  /** Moves a flow to the end of its order of use. Called once a window and flow: the order need not be finer. */
  touch (slot: number): void {
    this.#order.append(this.#listOf(slot), slot)
  }

  /** Decides what is due, and forgets flows that have been idle. */
  advance (nowMs: number): void {
    this.attempts.expireUntil(nowMs)
    for (const list of [LISTS.ended, LISTS.attempt, LISTS.other, LISTS.established]) {
      for (let slot = this.#order.head(list); slot >= 0 && this.#lapsed(slot, list, nowMs); slot = this.#order.head(list)) this.#release(slot)
    }
  }

  /** Forgets every flow: after a clock has stepped back, ages and deadlines mean nothing. */
  clear (): void {
    for (const list of [LISTS.ended, LISTS.attempt, LISTS.other, LISTS.established]) {
      for (let slot = this.#order.head(list); slot >= 0; slot = this.#order.head(list)) this.#release(slot)
    }
  }

  #trackFragment (packet: Int32Array, atMs: number): number {
    const slot = this.#fragments.recall(packet)
    if (slot < 0 || this.table.serials[slot] !== this.#fragments.serial) return -1
    this.sent = this.table.isFromInitiator(slot, packet)
    if (atMs > (this.table.lastMs[slot] ?? 0)) this.table.lastMs[slot] = atMs
    return slot
  }

  #flowOf (packet: Int32Array, atMs: number): number {
    const slot = this.table.find(packet)
    if (slot < 0) return this.#open(packet, atMs)
    if (!this.#lapsed(slot, this.#listOf(slot), atMs) && !this.#beginsAnew(slot, packet)) return slot
    this.attempts.expire(slot, atMs)
    this.#release(slot)
    return this.#open(packet, atMs)
  }

  /** Ports are used again: a SYN begins a new flow where the old one has ended, or is established under another sequence number. */
  #beginsAnew (slot: number, packet: Int32Array): boolean {
    if (packet[PROTOCOL] !== PROTOCOLS.tcp || ((packet[TCP_FLAGS] ?? 0) & (FLAG.syn | FLAG.ack)) !== FLAG.syn) return false
    switch (this.attempts.phase(slot)) {
      case PHASES.ended: case PHASES.middle: case PHASES.probe: return true
      case PHASES.established: return this.#sequence[slot] !== packet[SEQUENCE]
      case PHASES.asked: case PHASES.answered: case PHASES.connectionless: return false // a SYN sent again, or one that crosses another
    }
  }

  #open (packet: Int32Array, atMs: number): number {
    if (this.table.full) this.#evict()
    const phase = firstPhase(packet)
    const slot = this.table.insert(packet, initiatorIsSource(packet, phase), atMs)
    this.attempts.begin(slot, phase)
    this.#segment[slot] = 0
    this.#sequence[slot] = 0
    this.#opened++
    this.#order.append(this.#listOf(slot), slot)
    this.#sink.opened(slot)
    return slot
  }

  #tcp (slot: number, packet: Int32Array, atMs: number): void {
    const flags = packet[TCP_FLAGS] ?? 0
    if ((flags & FLAG.syn) !== 0) {
      const announced = packet[MAX_SEGMENT] ?? 0
      const known = this.#segment[slot] ?? 0
      if (announced !== 0) this.#segment[slot] = known === 0 ? announced : Math.min(known, announced)
      if (this.sent) this.#sequence[slot] = packet[SEQUENCE] ?? 0
    }
    if (this.attempts.tcp(slot, this.sent, flags, packet[PAYLOAD] ?? 0, atMs)) this.#order.append(this.#listOf(slot), slot)
  }

  #listOf (slot: number): number {
    switch (this.attempts.phase(slot)) {
      case PHASES.ended: return LISTS.ended
      case PHASES.asked: case PHASES.answered: case PHASES.probe: return LISTS.attempt
      case PHASES.established: case PHASES.middle: return LISTS.established
      case PHASES.connectionless: return LISTS.other
    }
  }

  #lapsed (slot: number, list: number, nowMs: number): boolean {
    return nowMs - (this.table.lastMs[slot] ?? 0) > (IDLE_MS[list] ?? 0)
  }

  /** The longest list is the one that a flood fills, so its oldest flow makes room. */
  #evict (): void {
    let list: number = LISTS.ended
    if (this.#order.size(list) === 0) {
      for (const other of [LISTS.attempt, LISTS.other, LISTS.established]) if (this.#order.size(other) > this.#order.size(list)) list = other
      this.#evicted++
    }
    this.#release(this.#order.head(list))
  }

  #release (slot: number): void {
    this.#sink.released(slot)
    this.attempts.end(slot)
    this.#order.remove(slot)
    this.table.remove(slot)
  }
}

/** What the first packet that is seen of a flow says about it. */
function firstPhase (packet: Int32Array): Phase {
  if (packet[PROTOCOL] !== PROTOCOLS.tcp) return PHASES.connectionless
  const role = packet[ICMP_ROLE]
  if (role === ICMP_ROLES.failure || role === ICMP_ROLES.notice) return PHASES.middle
  const flags = packet[TCP_FLAGS] ?? 0
  if ((flags & FLAG.syn) !== 0) return (flags & FLAG.ack) === 0 ? PHASES.asked : PHASES.answered
  // After its SYN every segment of a connection carries ACK (RFC 9293 section 3.10.7.4): without it, and without RST, it is a probe.
  return (flags & (FLAG.ack | FLAG.rst)) === 0 ? PHASES.probe : PHASES.middle
}

/** CONTRACTS: the sender of the first SYN, the receiver of an orphan SYN-ACK, the higher port, the first sender, the requester. */
function initiatorIsSource (packet: Int32Array, phase: Phase): boolean {
  const source = packet[SOURCE_PORT] ?? 0
  const destination = packet[DESTINATION_PORT] ?? 0
  if (phase === PHASES.asked || phase === PHASES.probe) return true
  if (phase === PHASES.answered) return false
  if (phase === PHASES.middle) return source >= destination
  if (packet[PROTOCOL] === PROTOCOLS.udp) return !(isServicePort(source) && !isServicePort(destination))
  return packet[ICMP_ROLE] !== ICMP_ROLES.reply
}
