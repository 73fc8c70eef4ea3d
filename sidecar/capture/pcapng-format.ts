import type { ChunkBuilder } from './chunk-builder.ts'
import { DAMAGED, MAX_CAPTURED, NEED_MORE, type RecordFormat } from './record-format.ts'

/** Block types of draft-ietf-opsawg-pcapng. */
const BLOCK = { section: 0x0a0d0d0a, interface: 1, packet: 2, simplePacket: 3, nameResolution: 4, statistics: 5, enhancedPacket: 6 } as const
const BYTE_ORDER = 0x1a2b3c4d
/** if_tsresol, if_tsoffset; isb_ifdrop. */
const OPTION = { resolution: 9, offset: 14, interfaceDrops: 5 } as const

/** Longer than any packet block with its options; blocks without packets may be longer (embedded secrets, name tables) and are skipped unread. */
const MAX_PACKET_BLOCK = MAX_CAPTURED + 65_536
const TWO_32 = 2 ** 32

interface Interface {
  linkType: number
  /** 0 for no limit. */
  snapLength: number
  /** Multiplies the high and the low word of a timestamp into milliseconds. */
  highMs: number
  lowMs: number
  offsetMs: number
}

/** pcapng: blocks of their own length; sections may differ in byte order, interfaces in link type and clock. */
export class PcapngFormat implements RecordFormat {
  /** Packets that the capturing host reports as lost, over all interfaces of all sections. */
  dropped = 0
  skippedBlocks = 0
  #little = true
  #interfaces: Interface[] = []
  /** Simple packets carry no time: the newest one seen is the best there is. */
  #lastMs = 0
  /** Of a long block that holds no packets: bytes that are still to be passed over. */
  #toSkip = 0

  read (view: DataView, at: number, chunk: ChunkBuilder): number {
    if (this.#toSkip > 0) return this.#skip(view, at)
    if (at + 12 > view.byteLength) return NEED_MORE
    if (view.getUint32(at) === BLOCK.section && !this.#beginSection(view, at)) return DAMAGED
    const type = view.getUint32(at, this.#little)
    const length = view.getUint32(at + 4, this.#little)
    if (length < 12 || length % 4 !== 0) return DAMAGED
    const end = at + length
    const held = type === BLOCK.enhancedPacket || type === BLOCK.packet || type === BLOCK.simplePacket || type === BLOCK.interface
    if (end > view.byteLength) {
      if (length <= MAX_PACKET_BLOCK) return NEED_MORE
      if (held) return DAMAGED
      this.skippedBlocks++
      this.#toSkip = length
      return this.#skip(view, at)
    }
    if (view.getUint32(end - 4, this.#little) !== length) return DAMAGED
    return this.#block(view, type, at + 8, end - 4, chunk) ? end : DAMAGED
  }

  #skip (view: DataView, at: number): number {
    const passed = Math.min(this.#toSkip, view.byteLength - at)
    if (passed === 0) return NEED_MORE
    this.#toSkip -= passed
    return at + passed
  }

  #beginSection (view: DataView, at: number): boolean {
    const little = view.getUint32(at + 8, true) === BYTE_ORDER
    if (!little && view.getUint32(at + 8) !== BYTE_ORDER) return false
    this.#little = little
    this.#interfaces = []
    return true
  }

  /** `at` and `end` bound the block's body. */
  #block (view: DataView, type: number, at: number, end: number, chunk: ChunkBuilder): boolean {
    switch (type) {
      case BLOCK.enhancedPacket:
        return at + 20 <= end && this.#packet(view, at, view.getUint32(at, this.#little), end, chunk)
      case BLOCK.packet: // obsolete, still met: a 16-bit interface and a drop count in place of the 32-bit interface
        return at + 20 <= end && this.#packet(view, at, view.getUint16(at, this.#little), end, chunk)
      case BLOCK.simplePacket: return at + 4 <= end && this.#simplePacket(view, at, end, chunk)
      case BLOCK.interface: return at + 8 <= end && this.#interface(view, at, end)
      case BLOCK.statistics: return at + 12 <= end && this.#statistics(view, at, end)
      case BLOCK.section: case BLOCK.nameResolution: return true
    }
    this.skippedBlocks++
    return true
  }

  #packet (view: DataView, at: number, interfaceNumber: number, end: number, chunk: ChunkBuilder): boolean {
    const little = this.#little
    const from = this.#interfaces[interfaceNumber]
    const captured = view.getUint32(at + 12, little)
    if (from === undefined || captured > MAX_CAPTURED || at + 20 + captured > end) return false
    const timeMs = view.getUint32(at + 4, little) * from.highMs + view.getUint32(at + 8, little) * from.lowMs + from.offsetMs
    this.#lastMs = timeMs
    chunk.add(at + 20, captured, view.getUint32(at + 16, little), timeMs, from.linkType)
    return true
  }

  #simplePacket (view: DataView, at: number, end: number, chunk: ChunkBuilder): boolean {
    const from = this.#interfaces[0]
    if (from === undefined) return false
    const original = view.getUint32(at, this.#little)
    const limit = from.snapLength === 0 ? original : Math.min(original, from.snapLength)
    chunk.add(at + 4, Math.min(limit, end - at - 4), original, this.#lastMs, from.linkType)
    return true
  }

  #interface (view: DataView, at: number, end: number): boolean {
    const made: Interface = { linkType: view.getUint16(at, this.#little), snapLength: view.getUint32(at + 4, this.#little), highMs: 0, lowMs: 1e-3, offsetMs: 0 }
    this.#options(view, at + 8, end, (code, value, length) => {
      if (code === OPTION.resolution && length === 1) made.lowMs = unitMs(view.getUint8(value))
      if (code === OPTION.offset && length === 8) made.offsetMs = this.#long(view, value) * 1e3
    })
    made.highMs = made.lowMs * TWO_32
    this.#interfaces.push(made)
    return true
  }

  #statistics (view: DataView, at: number, end: number): boolean {
    this.#options(view, at + 12, end, (code, value, length) => {
      if (code === OPTION.interfaceDrops && length === 8) this.dropped += this.#long(view, value)
    })
    return true
  }

  #options (view: DataView, at: number, end: number, each: (code: number, value: number, length: number) => void): void {
    while (at + 4 <= end) {
      const code = view.getUint16(at, this.#little)
      const length = view.getUint16(at + 2, this.#little)
      if (code === 0 || at + 4 + length > end) return
      each(code, at + 4, length)
      at += 4 + Math.ceil(length / 4) * 4
    }
  }

  /** A signed 64-bit number, exact up to 2^53. */
  #long (view: DataView, at: number): number {
    const [high, low] = this.#little ? [at + 4, at] : [at, at + 4]
    return view.getInt32(high, this.#little) * TWO_32 + view.getUint32(low, this.#little)
  }
}

/** if_tsresol: the exponent of 10, or with the top bit set of 2, of the unit's fraction of a second. */
function unitMs (resolution: number): number {
  return 1e3 / ((resolution & 0x80) === 0 ? 10 : 2) ** (resolution & 0x7f)
}

export function isPcapng (view: DataView): boolean {
  return view.getUint32(0) === BLOCK.section && (view.getUint32(8) === BYTE_ORDER || view.getUint32(8, true) === BYTE_ORDER)
}
