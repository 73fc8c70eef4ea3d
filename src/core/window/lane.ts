import type { KeyTable } from './key-table.ts'
import { DistinctValues } from './distinct-values.ts'
import { PortCounts } from './port-counts.ts'
import { SKETCH_BYTES } from './window.ts'

/**
 * Sums of a cell. Longer windows are folded from shorter ones, so a 0.5 s cell also carries what the 15 s and 60 s windows
 * must add for it: a flow that was seen earlier in the longer window counts there no second time, and its age only grows.
 */
export const SUM = {
  flows: 0,
  flows15: 1,
  flows60: 2,
  age: 3,
  age15: 4,
  age60: 5,
  sentBytes: 6,
  receivedBytes: 7,
  sentPackets: 8,
  receivedPackets: 9,
  syn: 10,
  ack: 11,
  rst: 12,
  fin: 13,
  failed: 14,
  decided: 15,
  halfOpen: 16,
  unanswered: 17,
  tcp: 18,
  udp: 19,
  icmp: 20,
  proved: 21,
  proved15: 22,
  proved60: 23,
} as const
const SUMS = 24

/** What folds in another way than by adding: the gaps between the source's packets, and the first packet's time. */
export const GAP = { packets: 24, firstMs: 25, lastMs: 26, squares: 27 } as const
export const FIRST_PACKET = 28
/** Distinct ports, (address, port) or sources, by the kind of the key. Folded by the values themselves. */
export const UNIQUE = 29
export const CELL_NUMBERS = 32

/** The windows of one step that are open at one time: a cell for each key that has something in it. */
export class Lane {
  readonly numbers: Float64Array
  readonly portSketches: Uint8Array
  readonly peerSketches: Uint8Array
  readonly ports: PortCounts
  readonly distinct = new DistinctValues()
  /** The key of each cell. */
  readonly keys: Int32Array
  count = 0
  readonly #table: KeyTable
  /** The cell of each key, plus 1. */
  readonly #cells: Int32Array

  constructor (table: KeyTable) {
    this.#table = table
    this.numbers = new Float64Array(table.capacity * CELL_NUMBERS)
    this.portSketches = new Uint8Array(table.capacity * SKETCH_BYTES)
    this.peerSketches = new Uint8Array(table.capacity * SKETCH_BYTES)
    this.ports = new PortCounts(table.capacity)
    this.keys = new Int32Array(table.capacity)
    this.#cells = new Int32Array(table.capacity)
  }

  /** The key's cell, made where it has none. */
  cell (key: number): number {
    const known = (this.#cells[key] ?? 0) - 1
    return known >= 0 ? known : this.#open(key)
  }

  add (cell: number, column: number, amount: number): void {
    const at = cell * CELL_NUMBERS + column
    this.numbers[at] = (this.numbers[at] ?? 0) + amount
  }

  number (cell: number, column: number): number {
    return this.numbers[cell * CELL_NUMBERS + column] ?? 0
  }

  /** A packet of the source that counts for the gaps. */
  addGap (cell: number, atMs: number): void {
    const at = cell * CELL_NUMBERS
    const numbers = this.numbers
    const packets = numbers[at + GAP.packets] ?? 0
    numbers[at + GAP.packets] = packets + 1
    if (packets === 0) {
      numbers[at + GAP.firstMs] = atMs
      numbers[at + GAP.lastMs] = atMs
      return
    }
    const gap = atMs - (numbers[at + GAP.lastMs] ?? 0)
    if (gap <= 0) return // a step back of the clock is a gap of nothing
    numbers[at + GAP.lastMs] = atMs
    numbers[at + GAP.squares] = (numbers[at + GAP.squares] ?? 0) + gap * gap
  }

  seenAt (cell: number, atMs: number): void {
    const at = cell * CELL_NUMBERS + FIRST_PACKET
    if (atMs < (this.numbers[at] ?? 0)) this.numbers[at] = atMs
  }

  /** A value of those that `unique_ports` counts, in two words. */
  markUnique (cell: number, first: number, second: number): void {
    if (this.distinct.add(cell, first, second)) this.add(cell, UNIQUE, 1)
  }

  markPort (cell: number, bit: number): void {
    const at = cell * SKETCH_BYTES + (bit >>> 3)
    this.portSketches[at] = (this.portSketches[at] ?? 0) | (1 << (bit & 7))
  }

  markPeer (cell: number, bit: number): void {
    const at = cell * SKETCH_BYTES + (bit >>> 3)
    this.peerSketches[at] = (this.peerSketches[at] ?? 0) | (1 << (bit & 7))
  }

  /** Adds every cell to the lane of a longer step. */
  foldInto (longer: Lane): void {
    for (let cell = 0; cell < this.count; cell++) {
      const into = longer.cell(this.keys[cell] ?? 0)
      this.#foldSums(cell, longer, into)
      this.#foldGaps(cell, longer, into)
      longer.seenAt(into, this.number(cell, FIRST_PACKET))
      longer.ports.addAll(into, this.ports, cell)
      fold(longer.portSketches, into, this.portSketches, cell)
      fold(longer.peerSketches, into, this.peerSketches, cell)
    }
    this.distinct.each((cell, first, second) => longer.markUnique(longer.cell(this.keys[cell] ?? 0), first, second))
    if (this.distinct.overflown) longer.distinct.overflown = true
  }

  clear (): void {
    for (let cell = 0; cell < this.count; cell++) {
      const key = this.keys[cell] ?? 0
      this.#cells[key] = 0
      this.#table.release(key)
    }
    this.count = 0
    this.distinct.clear()
  }

  #open (key: number): number {
    const cell = this.count++
    this.numbers.fill(0, cell * CELL_NUMBERS, (cell + 1) * CELL_NUMBERS)
    this.numbers[cell * CELL_NUMBERS + FIRST_PACKET] = Infinity
    this.portSketches.fill(0, cell * SKETCH_BYTES, (cell + 1) * SKETCH_BYTES)
    this.peerSketches.fill(0, cell * SKETCH_BYTES, (cell + 1) * SKETCH_BYTES)
    this.ports.clear(cell)
    this.keys[cell] = key
    this.#cells[key] = cell + 1
    this.#table.retain(key)
    return cell
  }

  #foldSums (cell: number, longer: Lane, into: number): void {
    for (let column = 0; column < SUMS; column++) longer.add(into, column, this.number(cell, column))
  }

  #foldGaps (cell: number, longer: Lane, into: number): void {
    const packets = this.number(cell, GAP.packets)
    if (packets === 0) return
    const before = longer.number(into, GAP.packets)
    const firstMs = this.number(cell, GAP.firstMs)
    if (before === 0) longer.numbers[into * CELL_NUMBERS + GAP.firstMs] = firstMs
    const between = before === 0 ? 0 : Math.max(0, firstMs - longer.number(into, GAP.lastMs))
    longer.numbers[into * CELL_NUMBERS + GAP.packets] = before + packets
    longer.numbers[into * CELL_NUMBERS + GAP.lastMs] = Math.max(this.number(cell, GAP.lastMs), longer.number(into, GAP.lastMs))
    longer.add(into, GAP.squares, this.number(cell, GAP.squares) + between * between)
  }
}

function fold (into: Uint8Array, intoCell: number, from: Uint8Array, fromCell: number): void {
  for (let byte = 0; byte < SKETCH_BYTES; byte++) {
    const at = intoCell * SKETCH_BYTES + byte
    into[at] = (into[at] ?? 0) | (from[fromCell * SKETCH_BYTES + byte] ?? 0)
  }
}
