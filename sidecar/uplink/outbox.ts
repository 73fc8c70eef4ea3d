import { STEPS_MS, TENSOR_WINDOWS, type StepMs, type Window } from '../../src/core/window/window.ts'
import type { StepClocks } from '../../src/wire/encode-windows.ts'
import { MAX_BATCH_RESTRICTIONS, type OwnRestrictionCount } from '../../src/wire/restriction-counts.ts'

/** Counts of the source, cumulative since the observer's boot. */
export interface SourceCounts {
  readonly packets: number
  readonly flows: number
  readonly malformed: number
  /** Packets that the source lost. */
  readonly dropped: number
}

/** What has a sequence number: it stays until it is acknowledged, and is sent again as it was. */
export interface OutgoingBatch {
  readonly sequence: number
  readonly windows: readonly Window[]
  readonly clocks: StepClocks
  readonly resent: boolean
  readonly forgedSent: number
  readonly restrictions: readonly OwnRestrictionCount[]
  readonly counts: SourceCounts
  readonly droppedWindows: number
}

/** Half a minute's worth for 64 restricted sources. */
const MAX_RESTRICTIONS = 4_096

const NOTHING: SourceCounts = { packets: 0, flows: 0, malformed: 0, dropped: 0 }

/**
 * What the uplink has yet to get across, and what it may have to say again. Windows wait without a number until there
 * is room on the stream, so that dropping the oldest of them leaves no gap in the sequence.
 */
export class Outbox {
  /** Windows that were dropped because the detector did not take them in time. */
  dropped = 0
  /** Counts of restrictions that were dropped for the same reason. */
  droppedRestrictions = 0
  readonly #maxWindows: number
  #waiting: Window[] = []
  #unacknowledged: OutgoingBatch[] = []
  /** Acknowledged windows of the last 20 steps, oldest first. */
  #history: Window[] = []
  #clocks = new Map<StepMs, number>()
  #counts = NOTHING
  #forgedSent = 0
  #restrictions: OwnRestrictionCount[] = []
  #next = 1
  #forgotten = 0
  /** A batch is wanted when everything is closed that ended by then, Unix ms; null for none. */
  #wantedMs: number | null = null

  /** At most `maxWindows` wait, and as many are kept for a resend. */
  constructor (maxWindows: number) {
    this.#maxWindows = maxWindows
  }

  /** Windows that wait or are under way. */
  get size (): number {
    return this.#waiting.length + this.#unacknowledged.reduce((sum, { windows }) => sum + windows.length, 0)
  }

  get waiting (): number {
    return this.#waiting.length
  }

  /** Windows and counts that the next batch of at most `maxWindows` holds at most: what the detector's rate is of. */
  next (maxWindows: number): number {
    return Math.min(this.#waiting.length, maxWindows) + Math.min(this.#restrictions.length, MAX_BATCH_RESTRICTIONS)
  }

  /** Whether something waits that is worth a batch. */
  get pending (): boolean {
    return this.#waiting.length + this.#restrictions.length > 0 || (this.#wantedMs !== null && this.#closedMs >= this.#wantedMs)
  }

  get #closedMs (): number {
    const [shortest] = STEPS_MS
    return ((this.#clocks.get(shortest) ?? -1) + 1) * shortest
  }

  /** A batch is worth sending, be it empty, as soon as everything is closed that ended by then (Unix ms). The latest time counts. */
  tellBy (atMs: number): void {
    this.#wantedMs = Math.max(atMs, this.#wantedMs ?? 0)
  }

  /** Batches that were sent and not acknowledged, oldest first. */
  get unacknowledged (): readonly OutgoingBatch[] {
    return this.#unacknowledged
  }

  add (windows: readonly Window[], clocks: StepClocks): void {
    for (const window of windows) this.#waiting.push(window)
    for (const [stepMs, number] of clocks) this.#clocks.set(stepMs, Math.max(number, this.#clocks.get(stepMs) ?? 0))
    const excess = this.#waiting.length - this.#maxWindows
    if (excess <= 0) return
    this.#waiting.splice(0, excess)
    this.dropped += excess
  }

  /** `forgedSent` is added to what was not reported yet; `counts` replaces what was there. */
  count (counts: SourceCounts, forgedSent: number): void {
    this.#counts = counts
    this.#forgedSent += forgedSent
  }

  /** What the pod's proxy did with the attempts of restricted sources, since the last call. */
  restricted (counts: readonly OwnRestrictionCount[]): void {
    for (const count of counts) this.#restrictions.push(count)
    const excess = this.#restrictions.length - MAX_RESTRICTIONS
    if (excess <= 0) return
    this.#restrictions.splice(0, excess)
    this.droppedRestrictions += excess
  }

  /** The next batch, of at most `maxWindows` of the wanted steps; it counts as under way from now on. It may be empty. */
  take (maxWindows: number, steps: ReadonlySet<number>): OutgoingBatch {
    const windows: Window[] = []
    let taken = 0
    for (; taken < this.#waiting.length && windows.length < maxWindows; taken++) {
      const window = this.#waiting[taken]
      if (window !== undefined && steps.has(window.stepMs)) windows.push(window)
    }
    this.#waiting.splice(0, taken)
    const batch = this.#batch(windows, this.#forgedSent, this.#restrictions.splice(0, MAX_BATCH_RESTRICTIONS), false)
    this.#forgedSent = 0
    return batch
  }

  /** Everything up to `sequence` has arrived for good. */
  acknowledge (sequence: number): void {
    const done = this.#unacknowledged.findIndex((batch) => batch.sequence > sequence)
    const arrived = this.#unacknowledged.splice(0, done < 0 ? this.#unacknowledged.length : done)
    for (const { windows, resent } of arrived) {
      if (!resent) this.#history.push(...windows)
    }
    this.#forget()
  }

  /**
   * For a detector that knows nothing of this boot: batches with the last 20 steps, marked as resent, then everything
   * that was not acknowledged, under new numbers.
   */
  startAnew (maxWindows: number): void {
    const earlier = this.#unacknowledged.filter(({ resent }) => !resent)
    this.#unacknowledged = []
    for (let at = 0; at < this.#history.length; at += maxWindows) this.#batch(this.#history.slice(at, at + maxWindows), 0, [], true)
    for (const { windows, forgedSent, restrictions } of earlier) this.#batch(windows, forgedSent, restrictions, false)
  }

  #batch (windows: readonly Window[], forgedSent: number, restrictions: readonly OwnRestrictionCount[], resent: boolean): OutgoingBatch {
    if (this.#wantedMs !== null && this.#closedMs >= this.#wantedMs) this.#wantedMs = null
    const batch = { sequence: this.#next++, windows, clocks: new Map(this.#clocks), resent, forgedSent, restrictions, counts: this.#counts, droppedWindows: this.dropped }
    this.#unacknowledged.push(batch)
    return batch
  }

  /** Lets go of windows that no tensor holds any more; only when time has moved on, for it looks at all of them. */
  #forget (): void {
    const reached = this.#clocks.get(STEPS_MS[0]) ?? 0
    if (reached === this.#forgotten && this.#history.length <= this.#maxWindows) return
    this.#forgotten = reached
    this.#history = this.#history.filter(({ stepMs, number }) => number > (this.#clocks.get(stepMs) ?? 0) - TENSOR_WINDOWS).slice(-this.#maxWindows)
  }
}
