import type { PacketChunk } from '../../src/core/flow/packet-chunk.ts'

const MAX_PACKETS = 16_384

/** The columns of a chunk under construction; used again for the next. */
export class ChunkBuilder implements PacketChunk {
  bytes: Uint8Array = new Uint8Array()
  count = 0
  readonly offsets = new Uint32Array(MAX_PACKETS)
  readonly captured = new Uint32Array(MAX_PACKETS)
  readonly original = new Uint32Array(MAX_PACKETS)
  readonly timesMs = new Float64Array(MAX_PACKETS)
  readonly linkTypes = new Uint16Array(MAX_PACKETS)

  get full (): boolean {
    return this.count === MAX_PACKETS
  }

  add (offset: number, captured: number, original: number, timeMs: number, linkType: number): void {
    const at = this.count++
    this.offsets[at] = offset
    this.captured[at] = captured
    this.original[at] = Math.max(original, captured)
    this.timesMs[at] = timeMs
    this.linkTypes[at] = linkType
  }

  begin (bytes: Uint8Array): void {
    this.bytes = bytes
    this.count = 0
  }
}
