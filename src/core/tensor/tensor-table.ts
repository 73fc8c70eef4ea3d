import { distinct } from '../window/sketch.ts'
import { FEATURES, SKETCH_BYTES, TENSOR_WINDOWS, keyId, type KeyKind, type StepMs, type Window, type WindowKey } from '../window/window.ts'
import { SPAN_WIDTH, UNPROVED, writeContext, writeSpanRow } from './context.ts'
import { SlotMap } from './slot-map.ts'

/** Values in one tensor. */
export const TENSOR_SIZE = TENSOR_WINDOWS * FEATURES.length

const FLOWS = FEATURES.indexOf('flow_count')

/** 32-bit words that a window's sketches take: ports first, then peers. */
const SKETCH_WIDTH = 2 * SKETCH_BYTES / 4

/** The tensor of one key as it was after a push. Valid until the next push to the table that gave it. */
export interface TensorView {
  /** Writes TENSOR_SIZE values at `offset`: [20 x 12], oldest window first, silent steps as zero rows. */
  readonly writeTensor: (out: Float32Array, offset: number) => void
  /** Writes CONTEXT_COLUMNS.length values at `offset`. */
  readonly writeContext: (out: Float32Array, offset: number) => void
  /** Flows of its windows whose source is not known to be real. */
  readonly unproved: () => number
}

/** What of one key's windows is held. */
export interface HeldWindows {
  /** Number of the oldest that is held; older ones are forgotten. */
  readonly oldest: number
  /** Those that are not silent, oldest first. `proved`: flows whose source is real. */
  readonly windows: readonly { readonly number: number, readonly flows: number, readonly proved: number }[]
}

/**
 * The last 20 windows of each (reporter, key, step): one table for detector, `autoshield detect` and training.
 * Bounded: at `capacity` keys the least recently pushed goes. About 3.6 KiB a key, which the system gives when first touched.
 */
export class TensorTable implements TensorView {
  /** Windows refused because one as new, or newer, of the same key was there (an observer resends after a reconnect). */
  stale = 0
  /** End of the newest window that was dropped with its key to make room, Unix ms; 0 for none. */
  lostMs = 0
  readonly #slots: SlotMap
  readonly #newest: Float64Array // window numbers do not fit 32 bits
  readonly #endsMs: Float64Array // of the newest windows
  // Rings: window number n lies in row n mod 20 of its slot.
  readonly #rows: Float32Array
  readonly #spans: Float32Array
  readonly #sketches: Uint32Array
  readonly #sketchBytes: Uint8Array
  readonly #sums = new Float64Array(SPAN_WIDTH)
  readonly #united = new Uint32Array(SKETCH_WIDTH)
  readonly #unitedPorts = new Uint8Array(this.#united.buffer, 0, SKETCH_BYTES)
  readonly #unitedPeers = new Uint8Array(this.#united.buffer, SKETCH_BYTES, SKETCH_BYTES)
  // The key of the last push: what the view speaks of.
  #slot = 0
  #kind: KeyKind = 'pair'
  #stepMs: StepMs = 500

  constructor ({ capacity = 32_768 }: { capacity?: number } = {}) {
    this.#slots = new SlotMap(capacity)
    this.#newest = new Float64Array(capacity)
    this.#endsMs = new Float64Array(capacity)
    this.#rows = new Float32Array(capacity * TENSOR_SIZE)
    this.#spans = new Float32Array(capacity * TENSOR_WINDOWS * SPAN_WIDTH)
    this.#sketches = new Uint32Array(capacity * TENSOR_WINDOWS * SKETCH_WIDTH)
    this.#sketchBytes = new Uint8Array(this.#sketches.buffer)
  }

  /** Keys held. */
  get size (): number {
    return this.#slots.size
  }

  /** Keys that were dropped to make room. */
  get evicted (): number {
    return this.#slots.evicted
  }

  /** Takes the next window of its key. Null, and counted as stale, if it is not newer than what the table has of that key. */
  push (reporter: string, window: Window): TensorView | null {
    const name = nameOf(reporter, window.key, window.stepMs)
    let slot = this.#slots.use(name)
    if (slot < 0) {
      const evicted = this.#slots.evicted
      slot = this.#slots.claim(name)
      if (this.#slots.evicted > evicted) this.lostMs = Math.max(this.lostMs, this.#endsMs[slot] ?? 0)
      this.#clear(slot, 0, TENSOR_WINDOWS)
    } else {
      const gap = window.number - (this.#newest[slot] ?? 0)
      if (gap <= 0) {
        this.stale++
        return null
      }
      const silent = Math.min(gap, TENSOR_WINDOWS)
      this.#clear(slot, window.number - silent + 1, silent)
    }
    this.#newest[slot] = window.number
    this.#endsMs[slot] = (window.number + 1) * window.stepMs
    this.#store(slot * TENSOR_WINDOWS + window.number % TENSOR_WINDOWS, window)
    this.#slot = slot
    this.#kind = window.key.kind
    this.#stepMs = window.stepMs
    return this
  }

  /** What is held of a key; null where nothing is. Uses the key no more than if nobody had asked. */
  held (reporter: string, key: WindowKey, stepMs: StepMs): HeldWindows | null {
    const slot = this.#slots.find(nameOf(reporter, key, stepMs))
    if (slot < 0) return null
    const oldest = (this.#newest[slot] ?? 0) - TENSOR_WINDOWS + 1
    const windows = Array.from({ length: TENSOR_WINDOWS }, (_, at) => {
      const row = slot * TENSOR_WINDOWS + (oldest + at) % TENSOR_WINDOWS
      const flows = this.#rows[row * FEATURES.length + FLOWS] ?? 0
      return { number: oldest + at, flows, proved: flows - (this.#spans[row * SPAN_WIDTH + UNPROVED] ?? 0) }
    })
    return { oldest, windows: windows.filter(({ flows }) => flows > 0) }
  }

  writeTensor (out: Float32Array, offset: number): void {
    const start = this.#slot * TENSOR_SIZE
    const oldest = ((this.#newest[this.#slot] ?? 0) + 1) % TENSOR_WINDOWS * FEATURES.length
    out.set(this.#rows.subarray(start + oldest, start + TENSOR_SIZE), offset)
    out.set(this.#rows.subarray(start, start + oldest), offset + TENSOR_SIZE - oldest)
  }

  writeContext (out: Float32Array, offset: number): void {
    this.#sums.fill(0)
    this.#united.fill(0)
    const first = this.#slot * TENSOR_WINDOWS
    for (let row = first; row < first + TENSOR_WINDOWS; row++) this.#add(row)
    const span = { sums: this.#sums, distinctPorts: distinct(this.#unitedPorts), distinctPeers: distinct(this.#unitedPeers) }
    writeContext(this.#kind, this.#stepMs, span, out, offset)
  }

  unproved (): number {
    const first = this.#slot * TENSOR_WINDOWS
    let sum = 0
    for (let row = first; row < first + TENSOR_WINDOWS; row++) sum += this.#spans[row * SPAN_WIDTH + UNPROVED] ?? 0
    return Math.max(0, sum)
  }

  /** Empties the rows of `count` window numbers from `first` on. */
  #clear (slot: number, first: number, count: number): void {
    for (let number = first; number < first + count; number++) {
      const row = slot * TENSOR_WINDOWS + number % TENSOR_WINDOWS
      this.#rows.fill(0, row * FEATURES.length, (row + 1) * FEATURES.length)
      this.#spans.fill(0, row * SPAN_WIDTH, (row + 1) * SPAN_WIDTH)
      this.#sketches.fill(0, row * SKETCH_WIDTH, (row + 1) * SKETCH_WIDTH)
    }
  }

  #store (row: number, window: Window): void {
    this.#rows.set(window.features, row * FEATURES.length)
    writeSpanRow(window, this.#spans, row * SPAN_WIDTH)
    this.#sketchBytes.set(window.portSketch, row * SKETCH_WIDTH * 4)
    this.#sketchBytes.set(window.peerSketch, row * SKETCH_WIDTH * 4 + SKETCH_BYTES)
  }

  #add (row: number): void {
    for (let column = 0; column < SPAN_WIDTH; column++) {
      this.#sums[column] = (this.#sums[column] ?? 0) + (this.#spans[row * SPAN_WIDTH + column] ?? 0)
    }
    for (let word = 0; word < SKETCH_WIDTH; word++) {
      this.#united[word] = (this.#united[word] ?? 0) | (this.#sketches[row * SKETCH_WIDTH + word] ?? 0)
    }
  }
}

const nameOf = (reporter: string, key: WindowKey, stepMs: StepMs): string => `${keyId(key)} ${stepMs} ${reporter}`
