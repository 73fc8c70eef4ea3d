import { STEPS_MS, type StepMs, type Window } from '../../src/core/window/window.ts'
import type { Clock } from '../../src/ports/clock.ts'
import { wait } from '../../src/wire/wait.ts'
import type { WindowSink } from '../window-source.ts'

const STEP_MS = STEPS_MS[0]

/** What makes windows of looks. */
export interface LookedWindows {
  /** What was seen, as packets; cumulative, as the stats are. */
  readonly packets: number
  readonly stats: { readonly flows: number, readonly refused: number }
  readonly lastClosed: (stepMs: StepMs) => number
}

/** Unix ms at which the step of `atMs` began. */
export const stepStart = (atMs: number): number => Math.floor(atMs / STEP_MS) * STEP_MS

/** Unix ms at which the step of `atMs` ends. */
export const stepEnd = (atMs: number): number => stepStart(atMs) + STEP_MS

/** Waits for the end of the step and returns it; null where the signal aborts before. */
export async function nextStepEnd (clock: Clock, signal: AbortSignal): Promise<number | null> {
  const boundaryMs = stepEnd(clock.now())
  return await wait(boundaryMs - clock.now(), signal) ? boundaryMs : null
}

/** Hands on what a look closed. `lost`: what the source had no room for before its tables. */
export function giveLook (sink: WindowSink, closed: readonly Window[], made: LookedWindows, { malformed, lost }: { readonly malformed: number, readonly lost: number }): void {
  const { flows, refused } = made.stats
  const clocks = STEPS_MS.map((stepMs): [StepMs, number] => [stepMs, made.lastClosed(stepMs)]).filter(([, number]) => number >= 0)
  sink.take(closed, new Map(clocks), { packets: made.packets, flows, malformed, dropped: lost + refused }, 0)
}
