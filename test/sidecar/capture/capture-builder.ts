/** Hand-made captures. */
export interface Recorded {
  readonly timeMs: number
  /** The whole frame. */
  readonly frame: Uint8Array
}

export interface PcapOptions {
  readonly little?: boolean
  readonly nanoseconds?: boolean
  readonly linkType?: number
  /** Captured bytes at most. */
  readonly snapLength?: number
}

export function pcap (packets: readonly Recorded[], { little = true, nanoseconds = false, linkType = 1, snapLength = 262_144 }: PcapOptions = {}): Uint8Array {
  const header = new DataView(new ArrayBuffer(24))
  header.setUint32(0, nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, little)
  header.setUint16(4, 2, little)
  header.setUint16(6, 4, little)
  header.setUint32(16, snapLength, little)
  header.setUint32(20, linkType, little)
  return joined([new Uint8Array(header.buffer), ...packets.flatMap(({ timeMs, frame }) => {
    const captured = frame.subarray(0, snapLength)
    const record = new DataView(new ArrayBuffer(16))
    const seconds = Math.floor(timeMs / 1e3)
    record.setUint32(0, seconds, little)
    record.setUint32(4, Math.round((timeMs - seconds * 1e3) * (nanoseconds ? 1e6 : 1e3)), little)
    record.setUint32(8, captured.length, little)
    record.setUint32(12, frame.length, little)
    return [new Uint8Array(record.buffer), captured]
  })])
}

export interface BlockOptions { readonly little?: boolean }

/** A pcapng block of any type around a body. */
export function block (type: number, body: Uint8Array, { little = true }: BlockOptions = {}): Uint8Array {
  const length = 12 + Math.ceil(body.length / 4) * 4
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, type, little)
  view.setUint32(4, length, little)
  bytes.set(body, 8)
  view.setUint32(length - 4, length, little)
  return bytes
}

export function sectionBlock (options: BlockOptions = {}): Uint8Array {
  const body = new DataView(new ArrayBuffer(16))
  body.setUint32(0, 0x1a2b3c4d, options.little ?? true)
  body.setUint16(4, 1, options.little ?? true)
  body.setInt32(8, -1)
  body.setInt32(12, -1)
  return block(0x0a0d0d0a, new Uint8Array(body.buffer), options)
}

/** `resolution` is if_tsresol's byte. */
export function interfaceBlock (linkType: number, { little = true, resolution, snapLength = 0 }: BlockOptions & { readonly resolution?: number, readonly snapLength?: number } = {}): Uint8Array {
  const body = new DataView(new ArrayBuffer(resolution === undefined ? 8 : 20))
  body.setUint16(0, linkType, little)
  body.setUint32(4, snapLength, little)
  if (resolution !== undefined) {
    body.setUint16(8, 9, little)
    body.setUint16(10, 1, little)
    body.setUint8(12, resolution)
  }
  return block(1, new Uint8Array(body.buffer), { little })
}

/** `ticks` in the interface's own unit. */
export function packetBlock (interfaceNumber: number, ticks: bigint, frame: Uint8Array, { little = true, captured = frame.length }: BlockOptions & { readonly captured?: number } = {}): Uint8Array {
  const body = new Uint8Array(20 + captured)
  const view = new DataView(body.buffer)
  view.setUint32(0, interfaceNumber, little)
  view.setUint32(4, Number(ticks >> 32n), little)
  view.setUint32(8, Number(ticks & 0xffffffffn), little)
  view.setUint32(12, captured, little)
  view.setUint32(16, frame.length, little)
  body.set(frame.subarray(0, captured), 20)
  return block(6, body, { little })
}

export function simpleBlock (frame: Uint8Array, { little = true, captured = frame.length }: BlockOptions & { readonly captured?: number } = {}): Uint8Array {
  const body = new Uint8Array(4 + captured)
  new DataView(body.buffer).setUint32(0, frame.length, little)
  body.set(frame.subarray(0, captured), 4)
  return block(3, body, { little })
}

export function joined (parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
