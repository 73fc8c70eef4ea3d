import type { ChunkBuilder } from './chunk-builder.ts'
import { DAMAGED, MAX_CAPTURED, NEED_MORE, type RecordFormat } from './record-format.ts'

export const PCAP_HEADER_BYTES = 24

const MICROSECONDS = 0xa1b2c3d4
const NANOSECONDS = 0xa1b23c4d
/** Alexey Kuznetsov's variant: each record has 8 more bytes. */
const KUZNETSOV = 0xa1b2cd34

/** draft-ietf-opsawg-pcap: a 24-byte file header, then records of a 16-byte header and the captured bytes. */
export class PcapFormat implements RecordFormat {
  readonly #little: boolean
  readonly #fractionsPerMs: number
  readonly #recordHeaderBytes: number
  readonly #linkType: number

  /** `view` begins with the file header, of which `isPcap` holds. */
  constructor (view: DataView) {
    this.#little = !isMagic(view.getUint32(0))
    const magic = view.getUint32(0, this.#little)
    this.#fractionsPerMs = magic === NANOSECONDS ? 1e6 : 1e3
    this.#recordHeaderBytes = magic === KUZNETSOV ? 24 : 16
    this.#linkType = view.getUint32(20, this.#little) & 0xffff // the upper bits tell of frame check sequences
  }

  read (view: DataView, at: number, chunk: ChunkBuilder): number {
    const body = at + this.#recordHeaderBytes
    if (body > view.byteLength) return NEED_MORE
    const little = this.#little
    const captured = view.getUint32(at + 8, little)
    if (captured > MAX_CAPTURED) return DAMAGED
    if (body + captured > view.byteLength) return NEED_MORE
    const timeMs = view.getUint32(at, little) * 1e3 + view.getUint32(at + 4, little) / this.#fractionsPerMs
    chunk.add(body, captured, view.getUint32(at + 12, little), timeMs, this.#linkType)
    return body + captured
  }
}

export function isPcap (view: DataView): boolean {
  return isMagic(view.getUint32(0)) || isMagic(view.getUint32(0, true))
}

const isMagic = (word: number): boolean => word === MICROSECONDS || word === NANOSECONDS || word === KUZNETSOV
