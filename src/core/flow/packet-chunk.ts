/**
 * Packets as a source hands them on: columns beside one buffer, no object a packet.
 * Owned by the source; valid until the next chunk is asked for.
 */
export interface PacketChunk {
  /** Holds the captured bytes of every packet of the chunk. */
  readonly bytes: Uint8Array
  /** How many entries of each column count; the columns themselves may be longer. */
  readonly count: number
  /** Where each packet's captured bytes begin in `bytes`. */
  readonly offsets: Uint32Array
  /** Captured length in bytes. */
  readonly captured: Uint32Array
  /** Length on the wire in bytes; never less than captured. */
  readonly original: Uint32Array
  /** Unix milliseconds with their fraction: a double holds 0.25 µs at today's dates. */
  readonly timesMs: Float64Array
  /** pcap's LINKTYPE_ numbers (https://www.tcpdump.org/linktypes.html), one a packet: a pcapng file may mix interfaces. */
  readonly linkTypes: Uint16Array
}
