import type { PacketChunk } from '../../src/core/flow/packet-chunk.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { CaptureStats } from './capture.ts'
import { ChunkBuilder } from './chunk-builder.ts'
import { describeForeign } from './foreign-formats.ts'
import { isPcap, PCAP_HEADER_BYTES, PcapFormat } from './pcap-format.ts'
import { isPcapng, PcapngFormat } from './pcapng-format.ts'
import { DAMAGED, NEED_MORE, type RecordFormat } from './record-format.ts'

/**
 * Cuts a stream of bytes into packets. It holds back at most one record that the bytes so far end inside of.
 * After damage it takes no more: what follows a broken length cannot be told from noise.
 */
export class CaptureParser {
  readonly #name: string
  readonly #stats: CaptureStats
  readonly #chunk = new ChunkBuilder()
  #format: RecordFormat | null = null
  #held = new Uint8Array()
  /** Position of `#held` in the uncompressed capture. */
  #position = 0

  /** `name` stands for the capture in messages. `stats` is kept up to date. */
  constructor (name: string, stats: CaptureStats) {
    this.#name = name
    this.#stats = stats
  }

  /** The packets that these bytes complete. Throws BAD_DATA where the beginning is that of no capture. */
  * push (bytes: Uint8Array): Generator<PacketChunk, void, undefined> {
    if (this.#stats.cut !== null) return
    const joined = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    const view = new DataView(joined.buffer, joined.byteOffset, joined.byteLength)
    const begin = this.#format === null ? this.#begin(view) : 0
    if (this.#format === null) {
      this.#held = new Uint8Array(joined) // a copy, which Buffer's own slice is not
      return
    }
    yield * this.#records(this.#format, joined, view, begin)
  }

  /** Says what the end of the bytes means. Throws BAD_DATA where they never became a capture. */
  end (): void {
    if (this.#stats.cut !== null) return
    if (this.#format === null) throw notACapture(this.#name, this.#held)
    if (this.#held.length > 0) this.#cut(`ends inside a record that begins at byte ${this.#position}`)
  }

  /** The stream broke off: `reason` as in "its compression is damaged". */
  breakOff (reason: string): void {
    if (this.#format === null) throw new AutoshieldError('BAD_DATA', `${this.#name}: ${reason} before the first packet; get the file again.`)
    if (this.#stats.cut === null) this.#cut(reason)
  }

  * #records (format: RecordFormat, bytes: Uint8Array, view: DataView, begin: number): Generator<PacketChunk, void, undefined> {
    const chunk = this.#chunk
    let at = begin
    chunk.begin(bytes)
    for (;;) {
      const next = format.read(view, at, chunk)
      if (next >= 0) at = next
      if (next >= 0 && !chunk.full) continue
      this.#note(format, chunk.count)
      chunk.sort()
      if (chunk.count > 0) yield chunk
      if (next === NEED_MORE) break
      if (next === DAMAGED) {
        this.#cut(`is damaged at byte ${this.#position + at}`)
        break
      }
      chunk.begin(bytes)
    }
    this.#held = new Uint8Array(bytes.subarray(at))
    this.#position += at
  }

  /** Where the records begin; leaves the format null while there is too little to tell. */
  #begin (view: DataView): number {
    if (view.byteLength < PCAP_HEADER_BYTES) return 0
    if (isPcapng(view)) {
      this.#format = new PcapngFormat()
      return 0
    }
    if (!isPcap(view)) throw notACapture(this.#name, new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
    this.#format = new PcapFormat(view)
    return PCAP_HEADER_BYTES
  }

  #note (format: RecordFormat, packets: number): void {
    this.#stats.packets += packets
    if (!(format instanceof PcapngFormat)) return
    this.#stats.dropped = format.dropped
    this.#stats.skippedBlocks = format.skippedBlocks
  }

  #cut (what: string): void {
    this.#stats.cut = `${this.#name} ${what}; the ${this.#stats.packets} packets before it were used.`
  }
}

function notACapture (name: string, beginning: Uint8Array): AutoshieldError {
  const what = beginning.length === 0 ? 'is empty' : describeForeign(beginning)
  return new AutoshieldError('BAD_DATA', `${name} ${what}; a pcap or pcapng capture is wanted, plain or packed with zstd or gzip.`)
}
