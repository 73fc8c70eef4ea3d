import { LINK_TYPES, skipLink, type NetworkStart } from './link-layer.ts'
import {
  DECODED, DESTINATION, DESTINATION_PORT, DIRECTION, FRAGMENT, FRAGMENT_ID, FRAGMENTS, ICMP_ROLE, ICMP_ROLES, PAYLOAD, PROTOCOL, PROTOCOLS,
  QUOTE, SOURCE, TCP_FLAGS, type Decoded,
} from './packet.ts'
import { decodeTransport } from './transport-layer.ts'

const start: NetworkStart = { offset: 0, version: 0 }

const IPV6_EXTENSION = { hopByHop: 0, routing: 43, fragment: 44, authentication: 51, destination: 60, mobility: 135, hip: 139, shim6: 140 } as const
/** More extension headers than any stack sends; the bound keeps a crafted chain from costing time. */
const MAX_EXTENSIONS = 16
/** With a payload length of 0, longer than IPv6 can say without a jumbogram: the kernel's own offload frame. */
const LARGEST_PLAIN_IPV6 = 40 + 65_535

/**
 * Decodes the packet that lies at `offset` of `view`, `captured` bytes of it, into the row `packet`.
 * Lengths come from the headers, never from what was captured, so that a capture cut to 96 bytes counts the same.
 */
export function decodePacket (view: DataView, offset: number, captured: number, original: number, linkType: number, packet: Int32Array): Decoded {
  const end = offset + captured
  const link = skipLink(view, offset, end, linkType, packet, start)
  if (link !== DECODED.ok) return link
  if (linkType === LINK_TYPES.ipv4 && start.version !== 4) return DECODED.badIp
  if (linkType === LINK_TYPES.ipv6 && start.version !== 6) return DECODED.badIp
  const { offset: network, version } = start
  const onWire = original - (network - offset)
  const decoded = decodeIp(view, network, end, onWire, version, packet)
  const role = packet[ICMP_ROLE] ?? 0
  if (decoded !== DECODED.ok || !isError(role)) return decoded
  if (!decodeQuote(view, packet[QUOTE] ?? 0, end, role, packet)) {
    decodeIp(view, network, end, onWire, version, packet)
    packet[ICMP_ROLE] = ICMP_ROLES.other
  }
  return DECODED.ok
}

/** `onWire` is the length from the IP header to the frame's end. */
function decodeIp (view: DataView, at: number, end: number, onWire: number, version: number, packet: Int32Array): Decoded {
  packet[ICMP_ROLE] = ICMP_ROLES.none
  switch (version) {
    case 4: return decodeIpv4(view, at, end, onWire, packet)
    case 6: return decodeIpv6(view, at, end, onWire, packet)
  }
  return DECODED.badIp
}

function decodeIpv4 (view: DataView, at: number, end: number, onWire: number, packet: Int32Array): Decoded {
  if (at + 20 > end) return DECODED.cutIp
  const first = view.getUint8(at)
  const headerLength = (first & 15) << 2
  if (first >>> 4 !== 4 || headerLength < 20) return DECODED.badIp
  const stated = view.getUint16(at + 2)
  const total = stated === 0 ? onWire : stated // segmentation offload leaves 0
  if (total < headerLength) return DECODED.badIp

  packet[SOURCE] = 0
  packet[SOURCE + 1] = 0
  packet[SOURCE + 2] = 0xffff
  packet[SOURCE + 3] = view.getInt32(at + 12)
  packet[DESTINATION] = 0
  packet[DESTINATION + 1] = 0
  packet[DESTINATION + 2] = 0xffff
  packet[DESTINATION + 3] = view.getInt32(at + 16)
  const protocol = view.getUint8(at + 9)
  packet[PROTOCOL] = protocol

  const fragment = view.getUint16(at + 6)
  markFragment(packet, (fragment & 0x1fff) !== 0, (fragment & 0x2000) !== 0, view.getUint16(at + 4))
  return decodeTransport(view, at + headerLength, end, total - headerLength, protocol, packet)
}

function decodeIpv6 (view: DataView, at: number, end: number, onWire: number, packet: Int32Array): Decoded {
  if (at + 40 > end) return DECODED.cutIp
  if (view.getUint8(at) >>> 4 !== 6) return DECODED.badIp
  for (let word = 0; word < 4; word++) {
    packet[SOURCE + word] = view.getInt32(at + 8 + 4 * word)
    packet[DESTINATION + word] = view.getInt32(at + 24 + 4 * word)
  }
  packet[FRAGMENT] = FRAGMENTS.none
  let protocol = view.getUint8(at + 6)
  let length = view.getUint16(at + 4)
  if (length === 0 && (protocol === IPV6_EXTENSION.hopByHop || onWire > LARGEST_PLAIN_IPV6)) length = Math.max(0, onWire - 40)
  let next = at + 40
  for (let headers = 0; isExtension(protocol); headers++) {
    if (next + 8 > end) return DECODED.cutIp
    const size = extensionSize(view, next, protocol)
    if (headers === MAX_EXTENSIONS || size > length) return DECODED.badIp
    if (protocol === IPV6_EXTENSION.fragment) {
      const fragment = view.getUint16(next + 2)
      markFragment(packet, (fragment & 0xfff8) !== 0, (fragment & 1) !== 0, view.getInt32(next + 4))
    }
    protocol = view.getUint8(next)
    next += size
    length -= size
    if (packet[FRAGMENT] === FRAGMENTS.later) break // what follows is the middle of somebody's payload
  }
  packet[PROTOCOL] = protocol
  return decodeTransport(view, next, end, length, protocol, packet)
}

function markFragment (packet: Int32Array, later: boolean, more: boolean, id: number): void {
  packet[FRAGMENT] = later ? FRAGMENTS.later : more ? FRAGMENTS.first : FRAGMENTS.none
  packet[FRAGMENT_ID] = id
}

function isExtension (protocol: number): boolean {
  switch (protocol) {
    case IPV6_EXTENSION.hopByHop: case IPV6_EXTENSION.routing: case IPV6_EXTENSION.fragment: case IPV6_EXTENSION.authentication:
    case IPV6_EXTENSION.destination: case IPV6_EXTENSION.mobility: case IPV6_EXTENSION.hip: case IPV6_EXTENSION.shim6:
      return true
  }
  return false
}

/** RFC 8200 section 4.3 counts in 8 bytes beyond the first 8; RFC 4302 section 2.2 in 4 bytes beyond the first 8. */
function extensionSize (view: DataView, at: number, protocol: number): number {
  if (protocol === IPV6_EXTENSION.fragment) return 8
  const units = view.getUint8(at + 1)
  return protocol === IPV6_EXTENSION.authentication ? 4 * (units + 2) : 8 * (units + 1)
}

/**
 * An ICMP error belongs to the flow that it quotes, so the quoted packet takes the row's place. Its lengths describe a packet
 * that may never have arrived: nothing of them is kept. An error whose quote cannot be read stays a conversation of its own.
 */
function decodeQuote (view: DataView, at: number, end: number, role: number, packet: Int32Array): boolean {
  if (at >= end) return false
  const direction = packet[DIRECTION] ?? 0
  const decoded = decodeIp(view, at, end, end - at, view.getUint8(at) >>> 4, packet)
  // RFC 792 promises 8 bytes of the quoted transport header: its ports, and no TCP flags.
  const portsOnly = decoded === DECODED.cutTransport && packet[PROTOCOL] === PROTOCOLS.tcp && packet[DESTINATION_PORT] !== 0
  if (decoded !== DECODED.ok && !portsOnly) return false
  if (packet[FRAGMENT] === FRAGMENTS.later || isError(packet[ICMP_ROLE] ?? 0)) return false
  packet[DIRECTION] = direction
  packet[ICMP_ROLE] = role
  packet[FRAGMENT] = FRAGMENTS.none
  packet[PAYLOAD] = 0
  packet[TCP_FLAGS] = 0
  return true
}

const isError = (role: number): boolean => role === ICMP_ROLES.failure || role === ICMP_ROLES.notice
