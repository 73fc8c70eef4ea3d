import { DECODED, DIRECTION, DIRECTIONS, type Decoded } from './packet.ts'

/** The LINKTYPE_ numbers that are understood (https://www.tcpdump.org/linktypes.html). */
export const LINK_TYPES = {
  null: 0, ethernet: 1, rawBsd: 12, rawOpenBsd: 14, raw: 101, loop: 108, linuxSll: 113, ipv4: 228, ipv6: 229, linuxSll2: 276,
} as const

/** Where the network layer begins; written by `skipLink`. */
export interface NetworkStart {
  offset: number
  /** 4 or 6. */
  version: number
}

const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd, vlan: 0x8100, serviceVlan: 0x88a8, oldServiceVlan: 0x9100 } as const

/** Finds the IP header behind the link layer, and the direction where the link layer knows it. */
export function skipLink (view: DataView, offset: number, end: number, linkType: number, packet: Int32Array, start: NetworkStart): Decoded {
  packet[DIRECTION] = DIRECTIONS.unknown
  switch (linkType) {
    case LINK_TYPES.ethernet: return skipEthertype(view, offset + 12, end, start)
    case LINK_TYPES.linuxSll:
      if (offset + 16 > end) return DECODED.cutLink
      packet[DIRECTION] = cookedDirection(view.getUint16(offset))
      return skipEthertype(view, offset + 14, end, start)
    case LINK_TYPES.linuxSll2:
      if (offset + 20 > end) return DECODED.cutLink
      packet[DIRECTION] = cookedDirection(view.getUint8(offset + 10))
      return skipCooked2(view, offset, end, start)
    case LINK_TYPES.raw: case LINK_TYPES.rawBsd: case LINK_TYPES.rawOpenBsd:
    case LINK_TYPES.ipv4: case LINK_TYPES.ipv6:
      return skipRaw(view, offset, end, start)
    case LINK_TYPES.null: case LINK_TYPES.loop: return skipLoopback(view, offset, end, start)
  }
  return DECODED.unknownLink
}

/** `at` is where the EtherType stands; any number of VLAN tags may precede the last one. */
function skipEthertype (view: DataView, at: number, end: number, start: NetworkStart): Decoded {
  while (at + 2 <= end) {
    const type = view.getUint16(at)
    switch (type) {
      case ETHERTYPE.ipv4: return found(start, at + 2, 4)
      case ETHERTYPE.ipv6: return found(start, at + 2, 6)
      case ETHERTYPE.vlan: case ETHERTYPE.serviceVlan: case ETHERTYPE.oldServiceVlan: at += 4; break
      default: return DECODED.notIp
    }
  }
  return DECODED.cutLink
}

/** SLL2 has its EtherType first and the payload after 20 bytes; tags, if any, begin the payload. */
function skipCooked2 (view: DataView, offset: number, end: number, start: NetworkStart): Decoded {
  switch (view.getUint16(offset)) {
    case ETHERTYPE.ipv4: return found(start, offset + 20, 4)
    case ETHERTYPE.ipv6: return found(start, offset + 20, 6)
    case ETHERTYPE.vlan: case ETHERTYPE.serviceVlan: case ETHERTYPE.oldServiceVlan:
      return skipEthertype(view, offset + 22, end, start)
  }
  return DECODED.notIp
}

function skipRaw (view: DataView, offset: number, end: number, start: NetworkStart): Decoded {
  if (offset >= end) return DECODED.cutIp
  const version = view.getUint8(offset) >>> 4
  return version === 4 || version === 6 ? found(start, offset, version) : DECODED.badIp
}

/** The address family is in the writing host's byte order (DLT_NULL) or the network's (DLT_LOOP); it is small, so both are tried. */
function skipLoopback (view: DataView, offset: number, end: number, start: NetworkStart): Decoded {
  if (offset + 4 > end) return DECODED.cutLink
  const family = view.getUint16(offset) === 0 ? view.getUint16(offset + 2) : view.getUint16(offset, true)
  switch (family) {
    case 2: return found(start, offset + 4, 4)
    case 10: case 24: case 28: case 30: return found(start, offset + 4, 6) // AF_INET6 of Linux, NetBSD, FreeBSD, Darwin
  }
  return DECODED.notIp
}

function found (start: NetworkStart, offset: number, version: number): Decoded {
  start.offset = offset
  start.version = version
  return DECODED.ok
}

/** packet_type of LINKTYPE_LINUX_SLL: 4 is sent by us; 0 to 2 are to us, broadcast, multicast; 3 is to somebody else. */
function cookedDirection (packetType: number): number {
  if (packetType === 4) return DIRECTIONS.outgoing
  return packetType <= 2 ? DIRECTIONS.incoming : DIRECTIONS.unknown
}
