/**
 * A decoded packet is a row of 32-bit integers, written over by the next one: at a million packets a second an object
 * for each would cost more than everything else together. These are the places in that row.
 */
export const SOURCE = 0 // four words, IPv4 as ::ffff:a.b.c.d
export const DESTINATION = 4
export const PROTOCOL = 8
/** TCP and UDP ports; in ICMP requests and replies both hold type of the request << 16 | identifier; else 0. */
export const SOURCE_PORT = 9
export const DESTINATION_PORT = 10
/** The TCP flags byte: CWR ECE URG ACK PSH RST SYN FIN. */
export const TCP_FLAGS = 11
/** Layer-4 payload by the headers' lengths, in bytes. */
export const PAYLOAD = 12
export const SEQUENCE = 13
/** Bytes of TCP options: what an MSS-sized segment has less of payload. */
export const OPTION_BYTES = 14
/** Maximum segment size announced in a SYN; 0 where none is. */
export const MAX_SEGMENT = 15
export const DIRECTION = 16
export const FRAGMENT = 17
export const FRAGMENT_ID = 18
export const ICMP_ROLE = 19
/** Where the packet that an ICMP error quotes begins in the buffer. */
export const QUOTE = 20
export const PACKET_WORDS = 21

export const PROTOCOLS = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 } as const

export const FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const

/** Which way the capturing host saw it go; only cooked captures know. */
export const DIRECTIONS = { unknown: 0, incoming: 1, outgoing: 2 } as const

export const FRAGMENTS = { none: 0, first: 1, later: 2 } as const

/** `failure` and `notice` are ICMP errors: the row's addresses and ports are then those of the packet that they quote. */
export const ICMP_ROLES = { none: 0, request: 1, reply: 2, failure: 3, notice: 4, other: 5 } as const

/** What decoding came to. Everything but `ok` is counted under its name, and the packet goes no further. */
export const DECODED = {
  ok: 0,
  /** ARP, LLC, IEEE 802.15.4 …: whole, but not IP. */
  notIp: 1,
  unknownLink: 2,
  cutLink: 3,
  cutIp: 4,
  badIp: 5,
  cutTransport: 6,
  badTransport: 7,
} as const
export type Decoded = (typeof DECODED)[keyof typeof DECODED]
export const DECODED_NAMES = Object.keys(DECODED) as (keyof typeof DECODED)[]
