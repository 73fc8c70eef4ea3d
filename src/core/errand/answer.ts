import type { Outcome } from './advance.ts'

/** What a receiver answered over HTTP. */
export interface ReceiverAnswer {
  readonly status: number
  /** The header Retry-After as sent; absent where there is none. */
  readonly retryAfter?: string
}

/**
 *     status        | outcome
 *     2xx           | done
 *     408, 425, 429 | again, not before Retry-After
 *     5xx           | again, not before Retry-After
 *     3xx           | refused: redirects are not followed
 *     any other     | refused
 */
export function outcomeOf (receiver: string, { status, retryAfter }: ReceiverAnswer, nowMs: number): Outcome {
  if (status >= 200 && status < 300) return { result: 'done', reason: 'Delivered', message: `${receiver} took it (${status}).` }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return { result: 'again', reason: 'ReceiverAway', message: `${receiver} cannot take it now (${status}).`, afterMs: retryAfterMs(retryAfter, nowMs) }
  }
  if (status >= 300 && status < 400) return { result: 'refused', reason: 'ReceiverRefused', message: `${receiver} answered with a redirect (${status}), which is not followed: name the address that it leads to.` }
  return { result: 'refused', reason: 'ReceiverRefused', message: `${receiver} refused it (${status}): look at its log, and at the address and the credentials.` }
}

/** RFC 9110, 10.2.3: seconds or a date. 0 for what is neither. */
function retryAfterMs (header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const until = Date.parse(header)
  return Number.isNaN(until) ? 0 : Math.max(0, until - nowMs)
}
