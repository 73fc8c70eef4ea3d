import type { TokenBucket } from '../core/token-bucket.ts'
import { windowStartMs, type Window } from '../core/window/window.ts'
import { decodeWindows } from '../wire/decode-windows.ts'
import type { Batch } from '../wire/gen/ingest_pb.ts'
import type { Limits } from './limits.ts'
import { refusal, type Refusal, type RefusalReason } from './refusal.ts'
import { maySpeakOf, type ReporterScope } from './reporter-scope.ts'

/** What is known of the observer that sends. */
export interface Sender {
  readonly scope: ReporterScope
  readonly simulated: boolean
  /** Windows that it may still send; what is checked is taken from it. */
  readonly rate: TokenBucket
}

export type CheckedBatch =
  | { readonly ok: true, readonly windows: readonly Window[] }
  | { readonly ok: false, readonly refusal: Refusal }

/** All windows of a batch, or why none of them is taken. */
export function checkBatch (batch: Batch, { scope, simulated, rate }: Sender, limits: Limits, nowMs: number): CheckedBatch {
  const rows = batch.windows?.key.length ?? 0
  if (rows > limits.maxBatchWindows) return refuse('TooMuch', `a batch of ${rows} windows is larger than ${limits.maxBatchWindows}, which welcome allowed`)
  if (!rate.take(rows, nowMs)) return refuse('TooMuch', `more than ${limits.maxWindowsPerSecond} windows a second came, which welcome allowed`)
  if (batch.windows === undefined) return { ok: true, windows: [] }
  const decoded = decodeWindows(batch.windows)
  if (!decoded.ok) return refuse('Malformed', decoded.problem)
  const foreign = decoded.windows.find(({ key }) => !maySpeakOf(scope, key))
  if (foreign !== undefined) return refuse('NotYours', `a ${foreign.key.kind} window has none of the reporter's own addresses at its end; an observer reports its own pod alone`)
  // A recording that is played fast runs ahead of the clock.
  const ahead = simulated ? undefined : decoded.windows.find((window) => windowStartMs(window) > nowMs + limits.maxAheadMs)
  if (ahead !== undefined) return refuse('Malformed', `a window starts at ${new Date(windowStartMs(ahead)).toISOString()}, more than ${limits.maxAheadMs} ms ahead; set the node's clock`)
  return { ok: true, windows: decoded.windows }
}

const refuse = (reason: RefusalReason, details: string): CheckedBatch => ({ ok: false, refusal: refusal(reason, details) })
