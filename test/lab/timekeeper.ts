/** How a machine kept time: the share of it that was lost in pauses, and the longest one. */
export interface TimeKept { readonly lostShare: number, readonly mostLateMs: number }

const TICK_MS = 20

/** Half of the shortest window is 250 ms: what is late by this much still falls into its own or the next one. */
const LATE_MS = 100

/**
 * Wakes every 20 ms and notes how much too late. A process that has nothing else to do is late only where the machine is, and so are a
 * laboratory's clients and tools: their packets then come in lumps, at rates that nobody asked for.
 */
export class Timekeeper implements Disposable {
  readonly #timer: NodeJS.Timeout
  #startedMs = performance.now()
  #tickedMs = this.#startedMs
  #lostMs = 0
  #mostLateMs = 0

  constructor () {
    this.#timer = setInterval(() => { this.#tick() }, TICK_MS)
    this.#timer.unref()
  }

  #tick (): void {
    const now = performance.now()
    const lateMs = now - this.#tickedMs - TICK_MS
    this.#tickedMs = now
    if (lateMs > LATE_MS) this.#lostMs += lateMs
    this.#mostLateMs = Math.max(this.#mostLateMs, lateMs)
  }

  /** What was kept since the last call, or the beginning. */
  take (): TimeKept {
    this.#tick()
    const kept = { lostShare: this.#lostMs / Math.max(1, this.#tickedMs - this.#startedMs), mostLateMs: Math.round(this.#mostLateMs) }
    this.#startedMs = this.#tickedMs
    this.#lostMs = 0
    this.#mostLateMs = 0
    return kept
  }

  [Symbol.dispose] (): void { clearInterval(this.#timer) }
}
