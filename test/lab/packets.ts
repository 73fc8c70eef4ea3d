/** What a label is made of: who sent to whom, with which ports, when. An echo has its identifier for both ports. */
export interface LabPacket {
  /** Milliseconds since 1970, with the capture's microseconds as fraction. */
  atMs: number
  source: number
  destination: number
  protocol: number
  sourcePort: number
  destinationPort: number
  /** A process of ordinary work sent it: its packets carry a mark. */
  ordinary: boolean
}

/** The DSCP of what ordinary work sends (CS1). No feature reads it; it tells labels whose a flow is where two share a pair and a port. */
export const ORDINARY_DSCP = 8

const PCAP_MICROSECONDS = 0xa1b2c3d4
const LINK_SLL2 = 276
const SLL2_BYTES = 20

/**
 * Reads the IPv4 packets of a laboratory's own capture (pcap, little-endian, Linux cooked v2). It is kept apart from the project's
 * reader on purpose: labels that came from the code under test could not show its faults.
 */
export function * readPackets (file: Buffer): Generator<LabPacket> {
  const link = file.length >= 24 ? file.readUInt32LE(20) : 0
  if (link !== LINK_SLL2 || file.readUInt32LE(0) !== PCAP_MICROSECONDS) throw new Error(`not a capture of the laboratory: link type ${link}, wanted ${LINK_SLL2} (LINUX_SLL2) with microseconds`)
  let offset = 24
  while (offset + 16 <= file.length) {
    const captured = file.readUInt32LE(offset + 8)
    const ip = offset + 16 + SLL2_BYTES
    const end = offset + 16 + captured
    if (end > file.length) return // cut in the middle of a packet
    if (ip + 20 <= end && file.readUInt16BE(offset + 16) === 0x0800) {
      const protocol = file.readUInt8(ip + 9)
      const transport = ip + (file.readUInt8(ip) & 15) * 4
      const ports = (protocol === 6 || protocol === 17) && transport + 4 <= end
      const echo = protocol === 1 && transport + 6 <= end && [0, 8].includes(file.readUInt8(transport)) ? file.readUInt16BE(transport + 4) : 0
      yield {
        atMs: file.readUInt32LE(offset) * 1000 + file.readUInt32LE(offset + 4) / 1000,
        source: file.readUInt32BE(ip + 12),
        destination: file.readUInt32BE(ip + 16),
        protocol,
        sourcePort: ports ? file.readUInt16BE(transport) : echo,
        destinationPort: ports ? file.readUInt16BE(transport + 2) : echo,
        ordinary: file.readUInt8(ip + 1) >> 2 === ORDINARY_DSCP,
      }
    }
    offset = end
  }
}

export const addressNumber = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
