import type { ChunkBuilder } from './chunk-builder.ts'

/** What `read` returns in place of a position: the buffer ends inside the record, or what stands there cannot be a record. */
export const NEED_MORE = -1
export const DAMAGED = -2

/** Longest captured packet that libpcap writes (MAXIMUM_SNAPLEN); a longer one is damage. */
export const MAX_CAPTURED = 262_144

/** A capture format, fed record by record. Positions are in the view; the caller keeps what the buffer ends inside of. */
export interface RecordFormat {
  /** Reads one record at `at`; a packet is added to the chunk. Returns where the record ends, NEED_MORE or DAMAGED. */
  read: (view: DataView, at: number, chunk: ChunkBuilder) => number
}
