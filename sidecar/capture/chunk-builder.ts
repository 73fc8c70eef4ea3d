import type { PacketChunk } from '../../src/core/flow/packet-chunk.ts'

const MAX_PACKETS = 16_384
/** The step back at which the windows, too, begin anew. */
const MAX_DISORDER_MS = 10_000

/** The columns of a chunk under construction; used again for the next. */
export class ChunkBuilder implements PacketChunk {
  bytes: Uint8Array = new Uint8Array()
  count = 0
  readonly offsets = new Uint32Array(MAX_PACKETS)
  readonly captured = new Uint32Array(MAX_PACKETS)
  readonly original = new Uint32Array(MAX_PACKETS)
  readonly timesMs = new Float64Array(MAX_PACKETS)
  readonly linkTypes = new Uint16Array(MAX_PACKETS)

  /** Scratch for sorting. */
  readonly #order = new Uint32Array(MAX_PACKETS)
  readonly #column = new Float64Array(MAX_PACKETS)
  #newestMs = -Infinity
  #disordered = false

  get full (): boolean {
    return this.count === MAX_PACKETS
  }

  add (offset: number, captured: number, original: number, timeMs: number, linkType: number): void {
    const at = this.count++
    if (timeMs < this.#newestMs) this.#disordered = true
    else this.#newestMs = timeMs
    this.offsets[at] = offset
    this.captured[at] = captured
    this.original[at] = Math.max(original, captured)
    this.timesMs[at] = timeMs
    this.linkTypes[at] = linkType
  }

  begin (bytes: Uint8Array): void {
    this.bytes = bytes
    this.count = 0
    this.#newestMs = -Infinity
    this.#disordered = false
  }

  /**
   * Puts the packets into the order of their times: several processors or interfaces that write one capture step back by a little.
   * A packet far behind the newest one begins a stretch of its own: there the clock was set, or another capture was appended.
   */
  sort (): void {
    if (!this.#disordered) return
    for (let begin = 0; begin < this.count;) {
      const end = this.#stretchEnd(begin)
      this.#sortStretch(begin, end)
      begin = end
    }
  }

  #stretchEnd (begin: number): number {
    let newestMs = -Infinity
    for (let at = begin; at < this.count; at++) {
      const timeMs = this.timesMs[at] ?? 0
      if (timeMs < newestMs - MAX_DISORDER_MS) return at
      if (timeMs > newestMs) newestMs = timeMs
    }
    return this.count
  }

  #sortStretch (begin: number, end: number): void {
    const order = this.#order.subarray(begin, end)
    for (let at = begin; at < end; at++) this.#order[at] = at
    order.sort((a, b) => (this.timesMs[a] ?? 0) - (this.timesMs[b] ?? 0) || a - b)
    for (const column of [this.offsets, this.captured, this.original, this.timesMs, this.linkTypes]) {
      for (let at = begin; at < end; at++) this.#column[at] = column[this.#order[at] ?? 0] ?? 0
      column.set(this.#column.subarray(begin, end), begin)
    }
  }
}
