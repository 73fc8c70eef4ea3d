import type { StepMs, Window } from '../src/core/window/window.ts'
import type { SourceCounts } from './uplink/outbox.ts'

/** What takes a source's windows. */
export interface WindowSink {
  /** The source sees traffic from now on. */
  watching: () => void
  /**
   * Windows that have closed, how far each step has got, and the source's counts; `forgedSent`: packets that left the pod under another
   * address, since the last call. Also called where none has closed.
   */
  take: (windows: readonly Window[], clocks: ReadonlyMap<StepMs, number>, counts: SourceCounts, forgedSent: number) => void
}

/** Something that sees a pod's traffic as windows: ARCHITECTURE, "What the observer may need". */
export interface WindowSource {
  readonly name: 'packet' | 'sockdiag' | 'als' | 'pcap'
  /**
   * Watches until the signal aborts or a recording ends, then gives what is open. Rejects with UNAVAILABLE where it cannot watch, or not any longer; may be
   * run again, and goes on counting.
   */
  run: (signal: AbortSignal, sink: WindowSink) => Promise<void>
}
