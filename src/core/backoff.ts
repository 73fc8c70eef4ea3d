/** Waits between attempts: they double from `baseMs` up to `maxMs`. */
export interface Backoff {
  readonly baseMs: number
  readonly maxMs: number
}

/**
 * How long to wait before attempt `attempt` (0 is the first retry), in milliseconds. `random` is uniform in [0, 1).
 * Half of the wait is fixed and half is drawn, so that a thousand observers that lost one detector do not return in step
 * (the "equal jitter" of Brooker, "Exponential Backoff And Jitter", 2015).
 */
export function backoffMs (attempt: number, random: number, { baseMs, maxMs }: Backoff): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** attempt)
  return ceiling / 2 + random * ceiling / 2
}
