import { QUALITY, STEPS_MS, windowStartMs, type Window } from '../core/window/window.ts'
import type { Batch } from '../wire/gen/ingest_pb.ts'

const [SHORTEST_MS] = STEPS_MS

/** How far one boot of an observer has told, and since when, so that its silence is known. Times are Unix ms. */
export class Coverage {
  /** Its windows that ended by then are in; 0 before any. */
  toldMs = 0
  /** When something was lost last; 0 for never. */
  lostMs = 0
  /** What sees the traffic, as its newest hello says, and since when this detector hears it so. */
  source: string
  sinceMs: number
  #lost: bigint | null = null
  readonly #waiting = new Map<() => void, number>()

  constructor (source: string, nowMs: number) {
    this.source = source
    this.sinceMs = nowMs
  }

  watchesWith (source: string, nowMs: number): void {
    if (this.source === source) return
    this.source = source
    this.sinceMs = nowMs
  }

  /** A batch whose windows are in their tensors. `maxWindows`: one with so many may be followed by others of the same time. */
  take ({ windows: columns, stats, resent }: Batch, windows: readonly Window[], maxWindows: number, nowMs: number): void {
    const lost = stats === undefined ? this.#lost : stats.droppedPackets + stats.droppedWindows
    if (this.#lost !== null && lost !== null && lost > this.#lost) this.lostMs = nowMs
    this.#lost = lost
    for (const window of windows) if ((window.quality & QUALITY.tablesFull) !== 0) this.lostMs = Math.max(this.lostMs, windowStartMs(window) + window.stepMs)
    const newest = columns?.steps.find(({ stepMs }) => stepMs === SHORTEST_MS)?.newest
    if (newest === undefined || resent || windows.length >= maxWindows) return
    this.toldMs = Math.max(this.toldMs, (Number(newest) + 1) * SHORTEST_MS)
    for (const [go, throughMs] of this.#waiting) if (this.toldMs >= throughMs) go()
  }

  /** Resolves when all that ended by `throughMs` is in, or after `limitMs`. */
  async told (throughMs: number, limitMs: number): Promise<void> {
    if (this.toldMs >= throughMs) return
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const go = (): void => resolve(undefined)
    const timer = setTimeout(go, limitMs)
    this.#waiting.set(go, throughMs)
    await promise
    clearTimeout(timer)
    this.#waiting.delete(go)
  }
}
