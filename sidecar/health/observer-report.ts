import type { ProxyLog } from '../als/als-server.ts'

/** What an observer says of itself. */
export interface ObserverReport {
  /** The source that sees the traffic now; null while none does. */
  readonly watching: string | null
  /** Why the wanted source does not watch; null where it does. */
  readonly trouble: string | null
  readonly connected: boolean
  /** Unix ms at which the detector last acknowledged something; null before. */
  readonly acknowledgedMs: number | null
  /** Windows that wait for the detector's acknowledgement. */
  readonly waiting: number
  /** Cumulative. */
  readonly packets: number
  readonly flows: number
  readonly windows: number
  readonly droppedPackets: number
  readonly droppedWindows: number
  /** Whether the pod's proxy logs now; null where nobody listens to one. While it is `ended`, the source `als` sees nothing. */
  readonly proxyLog: ProxyLog | null
  /** Of the proxy's access log: what was none of ours, what is of other pods, and what there was no room for. */
  readonly malformedEntries: number
  readonly foreignEntries: number
  readonly droppedCounts: number
}
