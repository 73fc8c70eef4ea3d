import type { FlowTracker } from '../flow/flow-tracker.ts'
import { Frame } from './frame.ts'
import type { FlowKeys } from './flow-keys.ts'
import { Lane } from './lane.ts'
import { makeWindow } from './make-window.ts'
import { PortUses } from './port-uses.ts'
import { RecordKeeper } from './record-keeper.ts'
import { QUALITY, STEPS_MS, type StepMs, type Window } from './window.ts'

const [STEP_MS, MIDDLE_MS, LONG_MS] = STEPS_MS
const MIDDLE_STEPS = MIDDLE_MS / STEP_MS
const LONG_STEPS = LONG_MS / STEP_MS
/** Packets this far behind the newest one are not reordered: the clock was set, or another capture was appended. */
const CLOCK_STEP_MS = 10_000
/** ECMAScript's largest date. A capture that was tampered with can claim later ones, at which whole numbers run out. */
const LATEST_MS = 8.64e15

/**
 * The open windows. Two of 0.5 s are open at a time (the grace is at most one step), one of 15 s and one of 60 s;
 * the longer ones are folded from the shorter when those close.
 */
export class Timeline {
  late = 0
  clockSteps = 0
  windows = 0
  readonly records: RecordKeeper
  readonly uses = new PortUses()
  readonly #graceMs: number
  readonly #tracker: FlowTracker
  readonly #keys: FlowKeys
  readonly #middle: Lane
  readonly #long: Lane
  #older: Frame
  #newer: Frame
  #nowMs = 0
  /** Time of the newest packet, within the open windows' length. */
  #newestMs = -Infinity
  #started = false
  #strain = 0
  #middleStrained = false
  #longStrained = false
  #closed: Window[] = []

  constructor (maxFlows: number, graceMs: number, tracker: FlowTracker, keys: FlowKeys) {
    this.#graceMs = graceMs
    this.#tracker = tracker
    this.#keys = keys
    this.#older = new Frame(maxFlows, keys.table)
    this.#newer = new Frame(maxFlows, keys.table)
    this.#middle = new Lane(keys.table)
    this.#long = new Lane(keys.table)
    this.records = new RecordKeeper(maxFlows, tracker, keys, this.uses)
  }

  /** Moves time on to a packet's; returns the time under which it counts: its own, or the start of the oldest open window. */
  reach (atMs: number): number {
    if (atMs < this.#older.endMs + this.#graceMs && atMs >= this.#older.startMs) return atMs
    if (!(atMs >= 0 && atMs <= LATEST_MS)) return this.#lateness()
    if (!this.#started) this.#begin(Math.floor(atMs / STEP_MS))
    if (atMs >= this.#older.startMs) {
      this.#newestMs = atMs
      this.#advance(atMs)
      return atMs
    }
    // The caller's clock may have closed windows that the packet is late for; only packets tell that their own clock was set.
    if (this.#newestMs - atMs <= CLOCK_STEP_MS) return this.#lateness()
    this.clockSteps++
    this.flush()
    this.#begin(Math.floor(atMs / STEP_MS))
    this.#newestMs = atMs
    return atMs
  }

  /** Moves time on by the caller's clock. */
  reachClock (nowMs: number): void {
    if (!this.#started) this.#begin(Math.max(0, Math.floor((nowMs - this.#graceMs) / STEP_MS)))
    this.#advance(nowMs)
  }

  /** The open 0.5 s window that a time belongs to. */
  frameAt (atMs: number): Frame {
    return atMs < this.#older.endMs ? this.#older : this.#newer
  }

  /** Adds what a flow did in the open windows to its keys: the flow is about to leave. */
  settleFlow (slot: number): void {
    this.records.settleFlow(this.#older, slot)
    this.records.settleFlow(this.#newer, slot)
  }

  /** A flow counts for keys that it did not count for when its records were opened. */
  rekeyed (slot: number): void {
    this.records.rekey(this.#older, slot)
    this.records.rekey(this.#newer, slot)
  }

  /** Closes every open window and forgets the flows. */
  flush (): void {
    if (!this.#started) return
    this.#tracker.attempts.expireUntil(this.#nowMs)
    this.#tracker.clear()
    this.#closeOlder()
    this.#closeOlder()
    this.#moveTo((Math.floor((this.#older.number - 1) / LONG_STEPS) + 1) * LONG_STEPS)
    this.uses.clear()
    this.#older.endMs = -Infinity
    this.#started = false
    this.#nowMs = 0
  }

  take (): Window[] {
    const closed = this.#closed
    this.#closed = []
    return closed
  }

  lastClosed (stepMs: StepMs): number {
    return Math.floor(this.#older.startMs / stepMs) - 1
  }

  #lateness (): number {
    this.late++
    return this.#older.startMs
  }

  #begin (number: number): void {
    this.#older.begin(number)
    this.#newer.begin(number + 1)
    this.#started = true
  }

  #advance (nowMs: number): void {
    if (nowMs > this.#nowMs) this.#nowMs = nowMs
    while (nowMs >= this.#older.endMs + this.#graceMs) {
      this.#closeOlder()
      if (this.#older.isEmpty && this.#newer.isEmpty) this.#skipSilence(nowMs)
    }
  }

  /** Nothing happens in windows without packets until the next decision falls due, however many they are. */
  #skipSilence (nowMs: number): void {
    const reached = Math.floor((nowMs - this.#graceMs) / STEP_MS)
    const due = Math.floor(this.#tracker.attempts.nextDueMs / STEP_MS)
    const next = Math.min(reached, due)
    if (next > this.#older.number) this.#moveTo(next)
  }

  #closeOlder (): void {
    const frame = this.#older
    this.#tracker.advance(frame.endMs)
    this.records.settleAll(frame)
    const strain = this.#tracker.evicted + this.#keys.refused
    const strained = strain > this.#strain
    this.#strain = strain
    this.#middleStrained ||= strained
    this.#longStrained ||= strained
    this.#emit(frame.lane, 0, frame.number, strained)
    frame.lane.foldInto(this.#middle)
    frame.clear()
    this.#moveTo(frame.number + 1)
  }

  /** Makes `number` the oldest open window; closes the longer ones that end before it. The oldest frame must be empty. */
  #moveTo (number: number): void {
    const from = this.#older.number
    if (Math.floor(from / MIDDLE_STEPS) !== Math.floor(number / MIDDLE_STEPS)) {
      this.#emit(this.#middle, 1, Math.floor(from / MIDDLE_STEPS), this.#middleStrained)
      this.#middle.foldInto(this.#long)
      this.#middle.clear()
      this.#middleStrained = false
    }
    if (Math.floor(from / LONG_STEPS) !== Math.floor(number / LONG_STEPS)) {
      this.#emit(this.#long, 2, Math.floor(from / LONG_STEPS), this.#longStrained)
      this.#long.clear()
      this.#longStrained = false
    }
    const emptied = this.#older
    this.#older = this.#newer
    this.#newer = emptied
    this.#older.begin(number)
    this.#newer.begin(number + 1)
  }

  #emit (lane: Lane, step: number, number: number, strained: boolean): void {
    const quality = strained ? QUALITY.tablesFull : 0
    const uses = step === 2 ? this.uses.take(number) : null
    for (let cell = 0; cell < lane.count; cell++) this.#closed.push(makeWindow(lane, cell, step, number, quality, this.#keys.table, uses))
    this.windows += lane.count
  }
}
