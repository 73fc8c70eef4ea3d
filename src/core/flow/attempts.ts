import { FLAG } from './packet.ts'
import { SlotLists } from './slot-lists.ts'

/** How long an answer may take before an attempt counts as failed, and a handshake must live to count as succeeded. */
export const DECISION_MS = 1_000

export const PHASES = {
  /** UDP, ICMP and the rest. */
  connectionless: 0,
  /** A SYN was sent. */
  asked: 1,
  /** A SYN-ACK came back, and no ACK yet: half open. */
  answered: 2,
  established: 3,
  /** Seen from the middle: there was an attempt, but not here. */
  middle: 4,
  /** FIN, NULL or XMAS without a connection. */
  probe: 5,
  /** By FIN both ways or RST. */
  ended: 6,
} as const
export type Phase = (typeof PHASES)[keyof typeof PHASES]

const DECIDED = 1
const INITIATOR_FIN = 2
const RESPONDER_FIN = 4
const REPLIED = 8
/** UDP: a second has passed without a reply, so each further packet is unanswered as it is sent. */
const SILENT = 16

/** What is decided about a flow's attempt, at the time at which it is decided. */
export interface AttemptSink {
  decided: (slot: number, atMs: number, failed: boolean) => void
  halfOpen: (slot: number, atMs: number) => void
  unanswered: (slot: number, atMs: number, count: number) => void
  /** The initiator acknowledged a SYN-ACK: its address is its own. */
  proven: (slot: number) => void
}

/**
 * Whether connection attempts failed or succeeded: CONTRACTS, `failed_conn_ratio`.
 *
 * | phase | event | becomes | decided |
 * | --- | --- | --- | --- |
 * | asked | RST from the responder, ICMP | ended / asked | failed |
 * | asked | 1 s | asked | failed, unanswered |
 * | asked | SYN-ACK | answered | |
 * | answered | 1 s, or RST from the initiator | answered / ended | half open |
 * | answered | ACK from the initiator | established | |
 * | established | first byte from the responder | established | succeeded |
 * | established | 1 s | established | succeeded |
 * | answered, established | FIN or RST from the responder, no byte sent, initiator not closing | | failed |
 * | probe | RST from the responder, ICMP | ended / probe | failed |
 * | connectionless | ICMP | | failed |
 * | connectionless | payload from the responder | | succeeded |
 */
export class Attempts {
  readonly #sink: AttemptSink
  readonly #phases: Uint8Array
  readonly #marks: Uint8Array
  /** Infinity where nothing is due. */
  readonly #deadlineMs: Float64Array
  /** UDP packets sent while it is not yet known whether they are answered. */
  readonly #waiting: Int32Array
  /** All deadlines lie DECISION_MS ahead when they are set, so the order of setting is the order of falling due. */
  readonly #due: SlotLists

  constructor (slots: number, sink: AttemptSink) {
    this.#sink = sink
    this.#phases = new Uint8Array(slots)
    this.#marks = new Uint8Array(slots)
    this.#deadlineMs = new Float64Array(slots)
    this.#waiting = new Int32Array(slots)
    this.#due = new SlotLists(slots, 1)
  }

  phase (slot: number): Phase {
    return (this.#phases[slot] ?? 0) as Phase // nothing else is ever written there
  }

  begin (slot: number, phase: Phase): void {
    this.#phases[slot] = phase
    this.#marks[slot] = phase === PHASES.middle ? DECIDED : 0
    this.#waiting[slot] = 0
    this.#deadlineMs[slot] = Infinity
  }

  /** Nothing more will be decided for this slot. */
  end (slot: number): void {
    this.#disarm(slot)
  }

  /** Returns whether the flow's phase changed. */
  tcp (slot: number, sent: boolean, flags: number, payload: number, atMs: number): boolean {
    const before = this.#phases[slot]
    if (before === PHASES.ended) return false
    if ((flags & FLAG.rst) !== 0) this.#reset(slot, sent, atMs)
    else if (sent) this.#fromInitiator(slot, flags, atMs)
    else this.#fromResponder(slot, flags, payload, atMs)
    return this.#phases[slot] !== before
  }

  /** A packet of a flow without handshake that can fail or succeed. */
  datagram (slot: number, sent: boolean, payload: number, atMs: number): void {
    if (sent) {
      if (this.#has(slot, REPLIED)) return
      if (this.#has(slot, SILENT)) {
        this.#sink.unanswered(slot, atMs, 1)
        return
      }
      this.#waiting[slot] = (this.#waiting[slot] ?? 0) + 1
      if (this.#deadlineMs[slot] === Infinity) this.#arm(slot, atMs)
      return
    }
    this.#disarm(slot)
    this.#mark(slot, REPLIED)
    if (payload > 0) this.#decide(slot, atMs, false)
  }

  /** An ICMP error says that it did not get through. */
  refused (slot: number, atMs: number): void {
    const phase = this.phase(slot)
    if (phase !== PHASES.asked && phase !== PHASES.probe && phase !== PHASES.connectionless) return
    this.#disarm(slot)
    this.#mark(slot, REPLIED)
    this.#decide(slot, atMs, true)
  }

  /** Decides what fell due for one flow before its packet at `nowMs`. */
  expire (slot: number, nowMs: number): void {
    const deadline = this.#deadlineMs[slot] ?? Infinity
    if (deadline > nowMs) return
    this.#disarm(slot)
    switch (this.phase(slot)) {
      case PHASES.asked:
        this.#decide(slot, deadline, true)
        this.#sink.unanswered(slot, deadline, 1)
        break
      case PHASES.answered: this.#sink.halfOpen(slot, deadline); break
      case PHASES.established: this.#decide(slot, deadline, false); break
      case PHASES.connectionless:
        this.#mark(slot, SILENT)
        this.#sink.unanswered(slot, deadline, this.#waiting[slot] ?? 0)
        break
      case PHASES.middle: case PHASES.probe: case PHASES.ended: break // nothing is due to them
    }
  }

  expireUntil (nowMs: number): void {
    for (let slot = this.#due.head(0); slot >= 0 && (this.#deadlineMs[slot] ?? Infinity) <= nowMs; slot = this.#due.head(0)) this.expire(slot, nowMs)
  }

  /** When the next decision falls due; Infinity where none will. */
  get nextDueMs (): number {
    const slot = this.#due.head(0)
    return slot < 0 ? Infinity : this.#deadlineMs[slot] ?? Infinity
  }

  #fromInitiator (slot: number, flags: number, atMs: number): void {
    const phase = this.phase(slot)
    if (phase === PHASES.asked && this.#deadlineMs[slot] === Infinity && !this.#has(slot, DECIDED)) this.#arm(slot, atMs)
    if (phase === PHASES.answered && (flags & FLAG.ack) !== 0 && (flags & FLAG.syn) === 0) {
      this.#disarm(slot)
      this.#phases[slot] = PHASES.established
      if (!this.#has(slot, DECIDED)) this.#arm(slot, atMs)
      this.#sink.proven(slot)
    }
    if ((flags & FLAG.fin) !== 0 && phase !== PHASES.probe) this.#finished(slot, INITIATOR_FIN)
  }

  #fromResponder (slot: number, flags: number, payload: number, atMs: number): void {
    const phase = this.phase(slot)
    if ((flags & FLAG.syn) !== 0) {
      if ((flags & FLAG.ack) === 0) return
      if (phase === PHASES.asked) this.#phases[slot] = PHASES.answered
      if (phase === PHASES.asked || (phase === PHASES.answered && this.#deadlineMs[slot] === Infinity && !this.#has(slot, REPLIED))) this.#arm(slot, atMs)
      this.#mark(slot, REPLIED)
      return
    }
    if (payload > 0) this.#succeed(slot, atMs)
    if ((flags & FLAG.fin) !== 0) {
      this.#failedByClosing(slot, atMs)
      this.#finished(slot, RESPONDER_FIN)
    }
  }

  #reset (slot: number, sent: boolean, atMs: number): void {
    const phase = this.phase(slot)
    if (sent) {
      if (phase === PHASES.answered && this.#deadlineMs[slot] !== Infinity) this.#sink.halfOpen(slot, atMs)
    } else if (phase === PHASES.asked || phase === PHASES.probe) this.#decide(slot, atMs, true)
    else this.#failedByClosing(slot, atMs)
    this.#disarm(slot)
    this.#phases[slot] = PHASES.ended
  }

  /** While the deadline of an answered or established attempt is ahead, the responder has sent no byte and a second has not passed. */
  #failedByClosing (slot: number, atMs: number): void {
    const phase = this.phase(slot)
    if (phase !== PHASES.answered && phase !== PHASES.established) return
    if (this.#deadlineMs[slot] === Infinity || this.#has(slot, INITIATOR_FIN)) return
    this.#disarm(slot)
    this.#decide(slot, atMs, true)
  }

  #succeed (slot: number, atMs: number): void {
    if (this.#has(slot, DECIDED)) return
    if (this.phase(slot) === PHASES.established) this.#disarm(slot)
    this.#decide(slot, atMs, false)
  }

  #finished (slot: number, side: number): void {
    this.#mark(slot, side)
    if (!this.#has(slot, INITIATOR_FIN) || !this.#has(slot, RESPONDER_FIN)) return
    this.#disarm(slot)
    this.#phases[slot] = PHASES.ended
  }

  #decide (slot: number, atMs: number, failed: boolean): void {
    if (this.#has(slot, DECIDED)) return
    this.#mark(slot, DECIDED)
    this.#sink.decided(slot, atMs, failed)
  }

  #has (slot: number, mark: number): boolean {
    return ((this.#marks[slot] ?? 0) & mark) !== 0
  }

  #mark (slot: number, mark: number): void {
    this.#marks[slot] = (this.#marks[slot] ?? 0) | mark
  }

  #arm (slot: number, atMs: number): void {
    this.#deadlineMs[slot] = atMs + DECISION_MS
    this.#due.append(0, slot)
  }

  #disarm (slot: number): void {
    this.#deadlineMs[slot] = Infinity
    this.#due.remove(slot)
  }
}
