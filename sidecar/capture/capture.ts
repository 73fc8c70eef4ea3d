import type { PacketChunk } from '../../src/core/flow/packet-chunk.ts'

/** Cumulative; read at any time, final when the iteration has ended. */
export interface CaptureStats {
  packets: number
  /** Bytes taken from the file or pipe, before decompression: for progress against `totalBytes`. */
  bytesRead: number
  /** The file's size once it is open; null for a live source. */
  totalBytes: number | null
  /** Packets that the capturing host says it lost: by the kernel (live) or by interface statistics (pcapng). */
  dropped: number
  /** pcapng blocks that hold no packets and are not understood. */
  skippedBlocks: number
  /** Where and why reading stopped before the end, in a sentence; null where it did not. What came before was used. */
  cut: string | null
}

/** A source of packets. Each chunk is valid until the next one is asked for; ending the iteration ends the source. */
export interface Capture extends AsyncIterable<PacketChunk> {
  readonly stats: Readonly<CaptureStats>
}

export const newStats = (): CaptureStats => ({ packets: 0, bytesRead: 0, totalBytes: null, dropped: 0, skippedBlocks: 0, cut: null })
