import { setTimeout } from 'node:timers/promises'

/** Waits; true when the time has passed, false as soon as the signal aborts. */
export async function wait (ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await setTimeout(ms, undefined, { signal })
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}
