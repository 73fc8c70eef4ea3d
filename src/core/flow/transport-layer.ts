import {
  DECODED, DESTINATION_PORT, FLAG, FRAGMENT, FRAGMENTS, ICMP_ROLE, ICMP_ROLES, MAX_SEGMENT, OPTION_BYTES, PAYLOAD, PROTOCOLS, QUOTE,
  SEQUENCE, SOURCE_PORT, TCP_FLAGS, type Decoded,
} from './packet.ts'

/** `length` is that of header and payload, by the IP header; `end` is where the captured bytes end. */
export function decodeTransport (view: DataView, at: number, end: number, length: number, protocol: number, packet: Int32Array): Decoded {
  packet[PAYLOAD] = length
  packet[SOURCE_PORT] = 0
  packet[DESTINATION_PORT] = 0
  packet[TCP_FLAGS] = 0
  if (packet[FRAGMENT] === FRAGMENTS.later) return DECODED.ok
  switch (protocol) {
    case PROTOCOLS.tcp: return decodeTcp(view, at, end, length, packet)
    case PROTOCOLS.udp: return decodeUdp(view, at, end, length, packet)
    case PROTOCOLS.icmp: return decodeIcmp(view, at, end, length, packet, icmp4Role(view, at, end))
    case PROTOCOLS.icmp6: return decodeIcmp(view, at, end, length, packet, icmp6Role(view, at, end))
  }
  return DECODED.ok
}

function decodeTcp (view: DataView, at: number, end: number, length: number, packet: Int32Array): Decoded {
  // The quote of an ICMP error may hold no more than the ports and the sequence number (RFC 792).
  if (at + 8 > end) return DECODED.cutTransport
  packet[SOURCE_PORT] = view.getUint16(at)
  packet[DESTINATION_PORT] = view.getUint16(at + 2)
  packet[SEQUENCE] = view.getInt32(at + 4)
  packet[MAX_SEGMENT] = 0
  if (at + 14 > end) return DECODED.cutTransport
  const headerLength = (view.getUint8(at + 12) >>> 4) << 2
  if (headerLength < 20 || headerLength > length) return DECODED.badTransport
  const flags = view.getUint8(at + 13)
  packet[TCP_FLAGS] = flags
  packet[PAYLOAD] = length - headerLength
  packet[OPTION_BYTES] = headerLength - 20
  if ((flags & FLAG.syn) !== 0) packet[MAX_SEGMENT] = announcedSegment(view, at + 20, Math.min(end, at + headerLength))
  return DECODED.ok
}

/** The MSS option (RFC 9293 section 3.7.1), 0 where absent or cut off. */
function announcedSegment (view: DataView, at: number, end: number): number {
  while (at + 4 <= end) {
    const kind = view.getUint8(at)
    if (kind === 2) return view.getUint16(at + 2)
    if (kind === 0) return 0
    const size = kind === 1 ? 1 : view.getUint8(at + 1)
    if (size === 0) return 0
    at += size
  }
  return 0
}

function decodeUdp (view: DataView, at: number, end: number, length: number, packet: Int32Array): Decoded {
  if (at + 4 > end) return DECODED.cutTransport
  if (length < 8) return DECODED.badTransport
  packet[SOURCE_PORT] = view.getUint16(at)
  packet[DESTINATION_PORT] = view.getUint16(at + 2)
  packet[PAYLOAD] = length - 8
  return DECODED.ok
}

function decodeIcmp (view: DataView, at: number, end: number, length: number, packet: Int32Array, role: number): Decoded {
  if (at + 4 > end) return DECODED.cutTransport
  if (length < 4) return DECODED.badTransport
  packet[ICMP_ROLE] = role
  packet[PAYLOAD] = Math.max(0, length - 8)
  packet[QUOTE] = at + 8
  if (role === ICMP_ROLES.failure || role === ICMP_ROLES.notice) return DECODED.ok
  const type = view.getUint8(at)
  const asked = role === ICMP_ROLES.other || at + 6 > end
    ? type << 16
    : (requestType(type) << 16) | view.getUint16(at + 4)
  packet[SOURCE_PORT] = asked
  packet[DESTINATION_PORT] = asked
  return DECODED.ok
}

/** A reply carries the identity of its request. */
function requestType (type: number): number {
  switch (type) {
    case 0: return 8
    case 14: case 16: case 18: case 129: return type - 1
  }
  return type
}

/** RFC 792, 950. "Fragmentation needed" (3, code 4), source quench and redirects tell of no failure: the packet may yet arrive by another try. */
function icmp4Role (view: DataView, at: number, end: number): number {
  if (at + 2 > end) return ICMP_ROLES.other
  switch (view.getUint8(at)) {
    case 8: case 13: case 15: case 17: return ICMP_ROLES.request
    case 0: case 14: case 16: case 18: return ICMP_ROLES.reply
    case 3: return view.getUint8(at + 1) === 4 ? ICMP_ROLES.notice : ICMP_ROLES.failure
    case 11: case 12: return ICMP_ROLES.failure
    case 4: case 5: return ICMP_ROLES.notice
  }
  return ICMP_ROLES.other
}

/** RFC 4443. "Packet too big" (2) tells of no failure. */
function icmp6Role (view: DataView, at: number, end: number): number {
  if (at + 2 > end) return ICMP_ROLES.other
  switch (view.getUint8(at)) {
    case 128: return ICMP_ROLES.request
    case 129: return ICMP_ROLES.reply
    case 1: case 3: case 4: return ICMP_ROLES.failure
    case 2: return ICMP_ROLES.notice
  }
  return ICMP_ROLES.other
}
