import { Lane } from './lane.ts'
import type { KeyTable } from './key-table.ts'
import { KEYS_PER_FLOW } from './flow-keys.ts'
import { STEPS_MS } from './window.ts'

const STEP_MS = STEPS_MS[0]

/** What one flow did in one 0.5 s window: summed here first, and added to the flow's keys when the window closes. */
export const RECORD = {
  sentBytes: 0,
  receivedBytes: 1,
  sentPackets: 2,
  receivedPackets: 3,
  syn: 4,
  ack: 5,
  rst: 6,
  fin: 7,
  tcp: 8,
  udp: 9,
  icmp: 10,
  firstMs: 11,
  lastMs: 12,
} as const
export const RECORD_NUMBERS = 16

/** One 0.5 s window under way: a record for each flow that has a packet in it, and the cells of the keys. */
export class Frame {
  number = 0
  startMs = 0
  endMs = -Infinity
  readonly lane: Lane
  readonly numbers: Float64Array
  /** The flow of each record; -1 where the flow has left already. */
  readonly slots: Int32Array
  /** The cells of each record's three keys; -1 where it does not count for such a key. */
  readonly cells: Int32Array
  count = 0
  /** The record of each flow, plus 1. */
  readonly #records: Int32Array
  readonly #vacant: number[] = []

  constructor (maxFlows: number, table: KeyTable) {
    this.lane = new Lane(table)
    this.numbers = new Float64Array(maxFlows * RECORD_NUMBERS)
    this.slots = new Int32Array(maxFlows)
    this.cells = new Int32Array(maxFlows * KEYS_PER_FLOW)
    this.#records = new Int32Array(maxFlows)
  }

  get isEmpty (): boolean {
    return this.lane.count === 0 && this.count === 0
  }

  begin (number: number): void {
    this.number = number
    this.startMs = number * STEP_MS
    this.endMs = this.startMs + STEP_MS
  }

  /** The record of a flow, or -1. */
  find (slot: number): number {
    return (this.#records[slot] ?? 0) - 1
  }

  /** A record for a flow that has none. There is room: a flow that leaves gives its record back. */
  open (slot: number): number {
    const record = this.#vacant.pop() ?? this.count++
    this.numbers.fill(0, record * RECORD_NUMBERS, (record + 1) * RECORD_NUMBERS)
    this.slots[record] = slot
    this.#records[slot] = record + 1
    return record
  }

  /** Gives the record of a flow back, after it was added to its keys. */
  leave (record: number): void {
    const slot = this.slots[record] ?? 0
    this.#records[slot] = 0
    this.slots[record] = -1
    this.#vacant.push(record)
  }

  clear (): void {
    this.lane.clear()
    for (let record = 0; record < this.count; record++) {
      const slot = this.slots[record] ?? -1
      if (slot >= 0) this.#records[slot] = 0
    }
    this.count = 0
    this.#vacant.length = 0
  }
}
