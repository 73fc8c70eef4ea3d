import { decodePacket } from '../flow/decode.ts'
import { FlowTracker, type FlowSink } from '../flow/flow-tracker.ts'
import { PHASES } from '../flow/attempts.ts'
import type { PacketChunk } from '../flow/packet-chunk.ts'
import { DECODED, DECODED_NAMES, DESTINATION, DIRECTION, DIRECTIONS, PACKET_WORDS, SOURCE } from '../flow/packet.ts'
import { FlowKeys, KEYS_PER_FLOW } from './flow-keys.ts'
import { PAIR } from './key-table.ts'
import { SUM } from './lane.ts'
import { isGroup, isLocalScope, OwnAddresses } from './own-addresses.ts'
import { USES_STEP_MS } from './port-uses.ts'
import { Timeline } from './timeline.ts'
import type { StepMs, Window, WindowKey } from './window.ts'

export interface ExtractorOptions {
  /** The observer's own pod; `null` for a replay, which reports every key. */
  readonly ownAddresses: readonly string[] | null
  /** How long a 0.5 s window stays open for packets that come late, at most 500. */
  readonly graceMs?: number
  readonly maxFlows?: number
  readonly maxKeys?: number
  /** How many sources that have nothing but half-open attempts may hold keys at one victim. */
  readonly maxHalfOpenSources?: number
  /** Something that an outsider cannot guess, so that nobody can choose addresses that collide in the tables. */
  readonly seed?: number
}

/** Cumulative. Each packet is in exactly one of `counted`, `forgedSent`, `foreign`, `orphanFragments` and the kinds of `undecoded`. */
export interface ExtractorStats {
  readonly packets: number
  readonly counted: number
  /** Left the pod under an address that is not its own. */
  readonly forgedSent: number
  /** Neither from nor to the pod: multicast, somebody else's. */
  readonly foreign: number
  readonly orphanFragments: number
  /** Not IP, and malformed or cut too short, by kind. */
  readonly undecoded: Readonly<Record<Exclude<(typeof DECODED_NAMES)[number], 'ok'>, number>>
  /** `undecoded` without what is whole and merely not IP. */
  readonly malformed: number
  /** Came after their window was closed, and were counted in the next. */
  readonly late: number
  /** Times at which the clock fell back by more than a minute and everything began anew. */
  readonly clockSteps: number
  readonly flows: number
  readonly liveFlows: number
  readonly evictedFlows: number
  readonly liveKeys: number
  /** Flows that count for too few keys because the key table was full, or their victim had too many half-open sources. */
  readonly keysRefused: number
  readonly crowdedOut: number
  readonly windows: number
}

const DEFAULTS = { graceMs: 250, maxFlows: 131_072, maxKeys: 65_536, maxHalfOpenSources: 256, seed: 0x5eed } as const

/**
 * Packets to flows to windows: the one implementation for live capture, replay and training data.
 * Time comes from the packets and from `close`; the same packets in the same order give the same windows, however they are cut into chunks.
 */
export class WindowExtractor {
  readonly #own: OwnAddresses
  readonly #keys: FlowKeys
  readonly #tracker: FlowTracker
  readonly #timeline: Timeline
  readonly #packet = new Int32Array(PACKET_WORDS)
  readonly #outcomes = new Float64Array(DECODED_NAMES.length)
  #packets = 0
  #forgedSent = 0
  #foreign = 0
  #orphanFragments = 0

  constructor (options: ExtractorOptions) {
    const { ownAddresses, graceMs, maxFlows, maxKeys, maxHalfOpenSources, seed } = { ...DEFAULTS, ...options }
    this.#own = new OwnAddresses(ownAddresses)
    this.#keys = new FlowKeys(maxFlows, maxKeys, maxHalfOpenSources, seed, this.#own)
    this.#tracker = new FlowTracker(maxFlows, seed, this.#flowSink())
    this.#timeline = new Timeline(maxFlows, Math.min(Math.max(graceMs, 0), 500), this.#tracker, this.#keys)
  }

  /** Counts the packets of a chunk. The windows that they close are kept until `take`, `close` or `flush` is called. */
  push (chunk: PacketChunk): void {
    const { bytes, count, offsets, captured, original, timesMs, linkTypes } = chunk
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const packet = this.#packet
    for (let at = 0; at < count; at++) {
      const decoded = decodePacket(view, offsets[at] ?? 0, captured[at] ?? 0, original[at] ?? 0, linkTypes[at] ?? 0, packet)
      this.#outcomes[decoded] = (this.#outcomes[decoded] ?? 0) + 1
      const atMs = this.#timeline.reach(timesMs[at] ?? 0)
      if (decoded === DECODED.ok && this.#concernsUs()) this.#count(atMs)
    }
    this.#packets += count
  }

  /** The windows that packets have closed by their times so far. */
  take (): Window[] {
    return this.#timeline.take()
  }

  /** Closes by a clock: the windows whose end is at or before `untilMs` less the grace, with those that packets closed. */
  close (untilMs: number): Window[] {
    this.#timeline.reachClock(untilMs)
    return this.#timeline.take()
  }

  /** Closes what is open, as after a file's last packet. Attempts that are not decided by then stay undecided. */
  flush (): Window[] {
    this.#timeline.flush()
    return this.#timeline.take()
  }

  /** Number of the newest closed window of a step, so that silence is known; -1 before any. */
  lastClosed (stepMs: StepMs): number {
    return this.#timeline.lastClosed(stepMs)
  }

  /** Unix ms of a key's first packet, as far back as the key table remembers; null where it does not know the key. */
  firstSeenMs (key: WindowKey): number | null {
    const slot = this.#keys.table.lookUp(key)
    return slot < 0 ? null : this.#keys.table.firstSeenMs[slot] ?? null
  }

  get stats (): ExtractorStats {
    const outcome = (which: number): number => this.#outcomes[which] ?? 0
    const undecoded = {
      notIp: outcome(DECODED.notIp),
      unknownLink: outcome(DECODED.unknownLink),
      cutLink: outcome(DECODED.cutLink),
      cutIp: outcome(DECODED.cutIp),
      badIp: outcome(DECODED.badIp),
      cutTransport: outcome(DECODED.cutTransport),
      badTransport: outcome(DECODED.badTransport),
    }
    const notCounted = this.#forgedSent + this.#foreign + this.#orphanFragments
    return {
      packets: this.#packets,
      counted: outcome(DECODED.ok) - notCounted,
      forgedSent: this.#forgedSent,
      foreign: this.#foreign,
      orphanFragments: this.#orphanFragments,
      undecoded,
      malformed: this.#packets - outcome(DECODED.ok) - undecoded.notIp,
      late: this.#timeline.late,
      clockSteps: this.#timeline.clockSteps,
      flows: this.#tracker.opened,
      liveFlows: this.#tracker.table.live,
      evictedFlows: this.#tracker.evicted,
      liveKeys: this.#keys.table.live,
      keysRefused: this.#keys.refused,
      crowdedOut: this.#keys.crowdedOut,
      windows: this.#timeline.windows,
    }
  }

  #count (atMs: number): void {
    const slot = this.#tracker.track(this.#packet, atMs)
    if (slot < 0) this.#orphanFragments++
    else this.#timeline.records.count(this.#timeline.frameAt(atMs), slot, this.#packet, atMs)
  }

  /** Adds what is decided about a flow to its keys, in the window in which it is decided. */
  #add (slot: number, atMs: number, column: number, amount: number): void {
    const { lane } = this.#timeline.frameAt(atMs)
    for (let place = 0; place < KEYS_PER_FLOW; place++) {
      const key = this.#keys.key(slot, place)
      if (key >= 0) lane.add(lane.cell(key), column, amount)
    }
  }

  #fail (slot: number, atMs: number): void {
    this.#add(slot, atMs, SUM.failed, 1)
    const pair = this.#keys.key(slot, PAIR)
    const { table } = this.#tracker
    if (pair >= 0) this.#timeline.uses.add(Math.floor(this.#timeline.frameAt(atMs).startMs / USES_STEP_MS), pair, table.protocol(slot), table.responderPort(slot), { failed: 1 })
  }

  #concernsUs (): boolean {
    const packet = this.#packet
    if (this.#own.all || this.#own.has(packet, SOURCE)) return true
    const direction = packet[DIRECTION]
    const ownDestination = this.#own.has(packet, DESTINATION)
    const leaves = direction === DIRECTIONS.outgoing || (direction === DIRECTIONS.unknown && !ownDestination && !isGroup(packet, DESTINATION))
    if (leaves && !isLocalScope(packet, SOURCE)) {
      this.#forgedSent++
      return false
    }
    if (!ownDestination) this.#foreign++
    return ownDestination
  }

  #flowSink (): FlowSink {
    const copyEnds = (slot: number, to: Int32Array): void => this.#tracker.table.copyEnds(slot, to)
    return {
      opened: (slot) => {
        const phase = this.#tracker.attempts.phase(slot)
        const halfOpen = phase === PHASES.asked || phase === PHASES.answered || phase === PHASES.probe
        const { table } = this.#tracker
        this.#keys.open(slot, halfOpen, table.responderPort(slot), table.firstMs[slot] ?? 0, copyEnds)
        this.#timeline.records.opened(slot)
      },
      released: (slot) => {
        this.#timeline.settleFlow(slot)
        this.#keys.close(slot)
      },
      proven: (slot) => {
        if (this.#keys.prove(slot, this.#tracker.table.lastMs[slot] ?? 0, copyEnds)) this.#timeline.rekeyed(slot)
      },
      decided: (slot, atMs, failed) => {
        this.#add(slot, atMs, SUM.decided, 1)
        if (failed) this.#fail(slot, atMs)
      },
      halfOpen: (slot, atMs) => this.#add(slot, atMs, SUM.halfOpen, 1),
      unanswered: (slot, atMs, count) => this.#add(slot, atMs, SUM.unanswered, count),
    }
  }
}
