const MINUTE_MS = 60_000
/** A longer wait between two packets, at the chosen speed, is skipped: a damaged time must not stop a replay. */
const LONGEST_WAIT_MS = 10 * MINUTE_MS

/**
 * When the packets of a recording are due, and under which time they count.
 *
 * Times are shifted so that the recording begins now, or up to a minute ago: dashboards, conditions on the time of day
 * and expiries then behave as they do live. The shift is a whole number of minutes, so that every window holds the same
 * packets as it does in the file, and `autoshield detect` on the file sees the same windows.
 */
export class Pace {
  readonly #speed: number
  #shiftMs: number | null = null
  /** The shifted time that is reached at `#sinceMs` of the clock. */
  #reachedMs = 0
  #sinceMs = 0

  /** `speed` 1 is as recorded, Infinity as fast as it goes. */
  constructor (speed: number) {
    this.#speed = speed
  }

  /** A recorded time, in Unix ms, as the time that it counts as. The first one fixes the shift. */
  shifted (recordedMs: number, nowMs: number): number {
    if (this.#shiftMs === null) {
      this.#shiftMs = Math.floor((nowMs - recordedMs) / MINUTE_MS) * MINUTE_MS
      this.#jump(recordedMs + this.#shiftMs, nowMs)
    }
    return recordedMs + this.#shiftMs
  }

  /** The shifted time that the replay has reached. */
  reached (nowMs: number): number {
    if (this.#speed === Infinity) return Infinity
    return this.#reachedMs + (nowMs - this.#sinceMs) * this.#speed
  }

  /** Milliseconds of the clock until what has this shifted time is due; 0 where it is. Jumps to it where the recording's clock was set. */
  waitMs (shiftedMs: number, nowMs: number): number {
    const ahead = shiftedMs - this.reached(nowMs)
    const stepped = ahead < -MINUTE_MS && this.#speed !== Infinity
    if (stepped || !(ahead / this.#speed <= LONGEST_WAIT_MS)) this.#jump(shiftedMs, nowMs)
    else if (ahead > 0) return ahead / this.#speed
    return 0
  }

  #jump (shiftedMs: number, nowMs: number): void {
    if (!Number.isFinite(shiftedMs)) return
    this.#reachedMs = shiftedMs
    this.#sinceMs = nowMs
  }
}
