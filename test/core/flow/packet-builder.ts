import { parseAddress } from '../../../src/core/flow/address.ts'

/** Hand-made packets: each function gives the bytes of one layer around those of the next. Payloads are zeros. */

export interface Ends {
  /** Address and port, as '10.0.0.1:80' or '[fd00::1]:80'. */
  readonly from: string
  readonly to: string
}

export interface TcpOptions extends Ends {
  /** Letters of S, A, F, R, P, U. */
  readonly flags?: string
  readonly payload?: number
  readonly sequence?: number
  /** The MSS option, of a SYN. */
  readonly mss?: number
}

const FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32 }

export function tcp ({ from, to, flags = 'A', payload = 0, sequence = 1, mss = 0 }: TcpOptions): Uint8Array {
  const header = mss === 0 ? 20 : 24
  const segment = new Uint8Array(header + payload)
  const view = new DataView(segment.buffer)
  view.setUint16(0, portOf(from))
  view.setUint16(2, portOf(to))
  view.setUint32(4, sequence)
  view.setUint8(12, header << 2)
  view.setUint8(13, Array.from(flags).reduce((bits, letter) => bits | (FLAGS[letter] ?? 0), 0))
  if (mss !== 0) view.setUint32(20, (2 << 24) | (4 << 16) | mss)
  return ip({ from, to, protocol: 6, payload: segment })
}

export function udp ({ from, to, payload = 0 }: Ends & { readonly payload?: number }): Uint8Array {
  const datagram = new Uint8Array(8 + payload)
  const view = new DataView(datagram.buffer)
  view.setUint16(0, portOf(from))
  view.setUint16(2, portOf(to))
  view.setUint16(4, 8 + payload)
  return ip({ from, to, protocol: 17, payload: datagram })
}

/** ICMP or ICMPv6 by the addresses. `quote` makes it an error about that IP packet. */
export function icmp ({ from, to, type, code = 0, identifier = 0, payload = 0, quote }: Ends & {
  readonly type: number
  readonly code?: number
  readonly identifier?: number
  readonly payload?: number
  readonly quote?: Uint8Array
}): Uint8Array {
  const message = new Uint8Array(8 + (quote?.length ?? payload))
  message[0] = type
  message[1] = code
  new DataView(message.buffer).setUint16(4, identifier)
  if (quote !== undefined) message.set(quote, 8)
  return ip({ from, to, protocol: addressOf(from).includes(':') ? 58 : 1, payload: message })
}

export interface IpOptions extends Ends {
  readonly protocol: number
  readonly payload: Uint8Array
  /** IPv4 options or IPv6 extension headers, already built; for IPv6 `protocol` is then that of the first extension. */
  readonly options?: Uint8Array
  /** In units of bytes. */
  readonly fragment?: { readonly offset: number, readonly more: boolean, readonly id: number }
  /** In place of the true total (IPv4) or payload (IPv6) length. */
  readonly length?: number
}

export function ip (options: IpOptions): Uint8Array {
  return addressOf(options.from).includes(':') ? ipv6(options) : ipv4(options)
}

function ipv4 ({ from, to, protocol, payload, options = new Uint8Array(), fragment, length }: IpOptions): Uint8Array {
  const header = 20 + options.length
  const packet = new Uint8Array(header + payload.length)
  const view = new DataView(packet.buffer)
  packet[0] = 0x40 | (header >>> 2)
  view.setUint16(2, length ?? packet.length)
  if (fragment !== undefined) {
    view.setUint16(4, fragment.id)
    view.setUint16(6, (fragment.more ? 0x2000 : 0) | (fragment.offset >>> 3))
  }
  packet[8] = 64
  packet[9] = protocol
  view.setInt32(12, wordsOf(from)[3] ?? 0)
  view.setInt32(16, wordsOf(to)[3] ?? 0)
  packet.set(options, 20)
  packet.set(payload, header)
  return packet
}

function ipv6 ({ from, to, protocol, payload, options = new Uint8Array(), length }: IpOptions): Uint8Array {
  const packet = new Uint8Array(40 + options.length + payload.length)
  const view = new DataView(packet.buffer)
  packet[0] = 0x60
  view.setUint16(4, length ?? options.length + payload.length)
  packet[6] = protocol
  packet[7] = 64
  wordsOf(from).forEach((word, at) => view.setInt32(8 + 4 * at, word))
  wordsOf(to).forEach((word, at) => view.setInt32(24 + 4 * at, word))
  packet.set(options, 40)
  packet.set(payload, 40 + options.length)
  return packet
}

/** An Ethernet frame around an IP packet; `tags` are VLAN tag protocol identifiers, outermost first. */
export function ethernet (packet: Uint8Array, tags: readonly number[] = []): Uint8Array {
  const type = (packet[0] ?? 0) >>> 4 === 6 ? 0x86dd : 0x0800
  const words = [...tags.flatMap((tag) => [tag, 7]), type]
  const frame = new Uint8Array(12 + 2 * words.length + packet.length)
  const view = new DataView(frame.buffer)
  words.forEach((word, at) => view.setUint16(12 + 2 * at, word))
  frame.set(packet, 12 + 2 * words.length)
  return frame
}

/** Linux cooked v1; packet type 4 is outgoing. */
export function cooked (packet: Uint8Array, packetType = 0): Uint8Array {
  const frame = new Uint8Array(16 + packet.length)
  const view = new DataView(frame.buffer)
  view.setUint16(0, packetType)
  view.setUint16(14, (packet[0] ?? 0) >>> 4 === 6 ? 0x86dd : 0x0800)
  frame.set(packet, 16)
  return frame
}

export function cooked2 (packet: Uint8Array, packetType = 0): Uint8Array {
  const frame = new Uint8Array(20 + packet.length)
  new DataView(frame.buffer).setUint16(0, (packet[0] ?? 0) >>> 4 === 6 ? 0x86dd : 0x0800)
  frame[10] = packetType
  frame.set(packet, 20)
  return frame
}

/** `from` and `to` may come without a port. */
function portOf (end: string): number {
  return Number(/^(?:\[.*\]|[\d.]+):(\d+)$/.exec(end)?.[1] ?? 0)
}

function addressOf (end: string): string {
  return /^\[(.*)\]/.exec(end)?.[1] ?? (/^[\d.]+/.exec(end)?.[0].includes('.') === true ? end.split(':', 1)[0] ?? '' : end)
}

function wordsOf (end: string): Int32Array {
  const words = parseAddress(addressOf(end))
  if (words === null) throw new Error(`'${end}' is no end of a packet`)
  return words
}
