import type { TokenBucket } from '../core/token-bucket.ts'
import { windowStartMs, type Window } from '../core/window/window.ts'
import { decodeWindows } from '../wire/decode-windows.ts'
import type { Batch } from '../wire/gen/ingest_pb.ts'
import type { Limits } from './limits.ts'
import { refusal, type Refusal, type RefusalReason } from './refusal.ts'
import { decodeRestrictionCount, MAX_BATCH_RESTRICTIONS, type OwnRestrictionCount } from '../wire/restriction-counts.ts'
import { maySpeakOf, type ReporterScope } from './reporter-scope.ts'

/** What is known of the observer that sends. */
export interface Sender {
  readonly scope: ReporterScope
  readonly simulated: boolean
  /** Windows and counts that it may still send; what is checked is taken from it. */
  readonly rate: TokenBucket
}

export type CheckedBatch =
  | { readonly ok: true, readonly windows: readonly Window[], readonly restrictions: readonly OwnRestrictionCount[] }
  | { readonly ok: false, readonly refusal: Refusal }

/** All that a batch holds, or why nothing of it is taken. */
export function checkBatch (batch: Batch, { scope, simulated, rate }: Sender, limits: Limits, nowMs: number): CheckedBatch {
  const rows = batch.windows?.key.length ?? 0
  if (rows > limits.maxBatchWindows) return refuse('TooMuch', `a batch of ${rows} windows is larger than ${limits.maxBatchWindows}, which welcome allowed`)
  if (!rate.take(rows + batch.restrictions.length + batch.everybody.length, nowMs)) return refuse('TooMuch', `more than ${limits.maxWindowsPerSecond} windows and restriction counts a second came, which welcome allowed`)
  const restrictions = checkRestrictions(batch, scope, limits, nowMs)
  if ('refusal' in restrictions) return { ok: false, refusal: restrictions.refusal }
  if (batch.windows === undefined) return { ok: true, windows: [], ...restrictions }
  const decoded = decodeWindows(batch.windows)
  if (!decoded.ok) return refuse('Malformed', decoded.problem)
  const foreign = decoded.windows.find(({ key }) => !maySpeakOf(scope, key))
  if (foreign !== undefined) return refuse('NotYours', `a ${foreign.key.kind} window has none of the reporter's own addresses at its end; an observer reports its own pod alone`)
  // A recording that is played fast runs ahead of the clock.
  const ahead = simulated ? undefined : decoded.windows.find((window) => windowStartMs(window) > nowMs + limits.maxAheadMs)
  if (ahead !== undefined) return refuse('Malformed', `a window starts at ${new Date(windowStartMs(ahead)).toISOString()}, more than ${limits.maxAheadMs} ms ahead; set the node's clock`)
  return { ok: true, windows: decoded.windows, ...restrictions }
}

function checkRestrictions ({ restrictions: sourced, everybody }: Batch, scope: ReporterScope, limits: Limits, nowMs: number): { readonly restrictions: readonly OwnRestrictionCount[] } | { readonly refusal: Refusal } {
  const restrictions = [...sourced, ...everybody]
  if (restrictions.length > MAX_BATCH_RESTRICTIONS) return { refusal: refusal('TooMuch', `a batch with ${restrictions.length} restriction counts has more than ${MAX_BATCH_RESTRICTIONS}`) }
  if (restrictions.length > 0 && scope.kind === 'replay') return { refusal: refusal('NotYours', 'a replay has no proxy whose restrictions it could count') }
  const counts: OwnRestrictionCount[] = []
  for (const each of restrictions) {
    const count = decodeRestrictionCount(each)
    if (typeof count === 'string') return { refusal: refusal('Malformed', count) }
    const { source, destination } = count
    if (!maySpeakOf(scope, source === null ? { kind: 'fan-in', destination } : { kind: 'pair', source, destination })) return { refusal: refusal('NotYours', 'a restriction count has none of the reporter\'s own addresses at its ends; an observer reports its own pod\'s proxy alone') }
    if (count.atMs > nowMs + limits.maxAheadMs) return { refusal: refusal('Malformed', `a restriction count is of ${new Date(count.atMs).toISOString()}, more than ${limits.maxAheadMs} ms ahead; set the node's clock`) }
    counts.push(count)
  }
  return { restrictions: counts }
}

const refuse = (reason: RefusalReason, details: string): CheckedBatch => ({ ok: false, refusal: refusal(reason, details) })
