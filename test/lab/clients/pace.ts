import { setTimeout as delay } from 'node:timers/promises'

/** Until when a job goes on, and what it chooses by: the same in every run of one seed. */
export interface Pace { readonly signal: AbortSignal, readonly random: () => number }

/** Resolves after `ms`, or at once when the signal is aborted: true where the work should go on. */
export async function pause (ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal })
  } catch {
    return false // aborted
  }
  return !signal.aborted
}

/**
 * Calls `act` at random moments, `rate` times a second on average, without waiting for it, until the signal is aborted.
 * At most `limit` calls are under way at a time; what exceeds it is left out, as by a client whose pool is exhausted.
 */
export async function arrivals (rate: number, { signal, random }: Pace, act: () => Promise<unknown>, limit = 200): Promise<void> {
  let underWay = 0
  let due = performance.now()
  while (!signal.aborted) {
    due += -Math.log(1 - random()) * 1000 / rate
    const wait = due - performance.now()
    if (wait > 1 && !await pause(wait, signal)) return
    if (wait < -2000) due = performance.now() // a machine that was busy does not make up for it in one burst
    if (underWay >= limit) continue
    underWay++
    // A request that fails is load like any other.
    act().catch(() => undefined).finally(() => { underWay-- })
  }
}

export const between = ({ random }: Pace, [min, max]: readonly [number, number]): number => Math.round(min + random() * (max - min))
