import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Clock } from '../../ports/clock.ts'

export const systemClock: Clock = { now: () => Date.now() }

/** Beats `ms` after the last beat was dealt with, until the signal aborts; gives the number of the beat, from 0. */
export async function * every (ms: number, signal: AbortSignal): AsyncGenerator<number, void> {
  for (let beat = 0; !signal.aborted; beat++) {
    try {
      await setTimeout(ms, undefined, { signal })
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') return // the signal; for us that is the end
      throw error
    }
    yield beat
  }
}

/** 64 random bits as lower-case hexadecimal: fit for names of Kubernetes objects and short enough to type. */
export const newId = (): string => randomUUID().replaceAll('-', '').slice(-16)
