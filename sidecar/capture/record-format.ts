import type { ChunkBuilder } from './chunk-builder.ts'

/** What a format made of the record at a position. */
export type RecordResult =
  /** The record, a packet or not, ends there. */
  | number
  /** The buffer ends inside the record. */
  | typeof NEED_MORE
  /** What stands there cannot be a record. */
  | typeof DAMAGED

export const NEED_MORE = -1
export const DAMAGED = -2

/** Longest captured packet that libpcap writes (MAXIMUM_SNAPLEN); a longer one is damage. */
export const MAX_CAPTURED = 262_144

/** A capture format, fed record by record. Positions are in the view; the caller keeps what the buffer ends inside of. */
export interface RecordFormat {
  /** Reads one record at `at`; a packet is added to the chunk. */
  read: (view: DataView, at: number, chunk: ChunkBuilder) => RecordResult
}
