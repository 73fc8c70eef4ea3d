import { STEPS_MS } from '../core/window/window.ts'

/** Bounds of the detector. Each has a count of what it turned away. */
export interface Limits {
  /** Windows in one batch. */
  readonly maxBatchWindows: number
  /** Windows and restriction counts a second from one observer, as a mean over ten seconds. A replay may send as fast as the credits let it. */
  readonly maxWindowsPerSecond: number
  /** Batches of one stream that may wait for their scores. */
  readonly credits: number
  /** A stream on which nothing came for so long is ended. */
  readonly silenceMs: number
  /** Streams of one identity at one time: an old one may linger while its observer reconnects. */
  readonly maxStreamsPerIdentity: number
  /** Streams of observers at one time, about 115 kB each with TLS (measured with 1,500): 470 MB of the chart's 1 GiB. */
  readonly maxObservers: number
  /** Windows of all observers that wait to be scored, and restriction counts that wait with them; streams are not read while there are more. */
  readonly maxQueuedWindows: number
  /** Keys whose tensors are held, about 3.6 KiB each once used; the least recently used of a shard goes. As many again for replays. */
  readonly maxKeys: number
  /** Events that wait for a watcher that reads slowly; the oldest goes. */
  readonly maxQueuedEvents: number
  /** How long windows are held unscored, and unacknowledged, while nobody follows the scores: a controller that restarts misses none. */
  readonly holdMs: number
  /** Streams of watchers at one time. */
  readonly maxWatchers: number
  /** Accounts of pairs' sources that may be asked for in a second, as a mean over two. */
  readonly maxAccountsPerSecond: number
  /** How long one waits for its observer. */
  readonly accountWaitMs: number
  /** How far a live observer's clock may be ahead. */
  readonly maxAheadMs: number
  readonly stepsMs: readonly number[]
}

export const DEFAULT_LIMITS: Limits = {
  maxBatchWindows: 512,
  maxWindowsPerSecond: 5_000,
  credits: 8,
  silenceMs: 30_000,
  maxStreamsPerIdentity: 4,
  maxObservers: 4_096,
  maxQueuedWindows: 65_536,
  maxKeys: 131_072,
  maxQueuedEvents: 1_024,
  holdMs: 30_000,
  maxWatchers: 16,
  maxAccountsPerSecond: 100,
  accountWaitMs: 1_000,
  maxAheadMs: 60_000,
  stepsMs: STEPS_MS,
}
