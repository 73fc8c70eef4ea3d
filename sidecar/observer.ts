import type { PacketChunk } from '../src/core/flow/packet-chunk.ts'
import { WindowExtractor, type ExtractorStats } from '../src/core/window/window-extractor.ts'
import { STEPS_MS, type StepMs, type Window } from '../src/core/window/window.ts'
import type { Clock } from '../src/ports.ts'
import { wait } from '../src/wire/wait.ts'
import type { Capture, CaptureStats } from './capture/capture.ts'
import { Pace } from './pace.ts'
import type { Uplink } from './uplink/uplink.ts'

export interface ObserverOptions {
  readonly capture: Capture
  /** The pod's own addresses; null for a replay, which reports every key. */
  readonly ownAddresses: readonly string[] | null
  /** A live source is read as it comes, and windows close by the clock; a recording is played at so many times its speed. */
  readonly pacing: { readonly kind: 'live' } | { readonly kind: 'replay', readonly speed: number }
  /** Not running yet: the observer runs it, and drains it at its end. */
  readonly uplink: Uplink
  readonly clock: Clock
  /** Something that an outsider cannot guess; see ExtractorOptions. */
  readonly seed: number
}

/** How often windows are closed while no packets come. */
const CLOSE_EVERY_MS = 100
/** A recording waits while so many windows are on their way: none of them is lost, however slow the detector. */
const REPLAY_AHEAD_WINDOWS = 8_192
/** More packets than this are not taken without a look at the clock. */
const MAX_PACKETS_AT_ONCE = 16_384

/** Packets to windows to a detector, for one pod or one recording. */
export class Observer {
  readonly #options: ObserverOptions
  readonly #extractor: WindowExtractor
  #forgedSent = 0

  constructor (options: ObserverOptions) {
    this.#options = options
    this.#extractor = new WindowExtractor({ ownAddresses: options.ownAddresses, seed: options.seed })
  }

  /** Cumulative. */
  get stats (): { readonly capture: Readonly<CaptureStats>, readonly windows: ExtractorStats } {
    return { capture: this.#options.capture.stats, windows: this.#extractor.stats }
  }

  /**
   * Observes until the source ends or the signal aborts, then gets across what is left. Rejects where the source cannot
   * be read; the uplink's troubles are its own, and it reconnects.
   */
  async run (signal: AbortSignal): Promise<void> {
    const { uplink, pacing } = this.#options
    const ended = new AbortController()
    const sending = uplink.run(ended.signal)
    try {
      if (pacing.kind === 'live') await this.#watch(signal)
      else await this.#replay(new Pace(pacing.speed), signal)
      this.#send(this.#extractor.flush())
      if (pacing.kind === 'replay') await uplink.below(1, signal)
    } catch (error) {
      if (!signal.aborted) throw error // a source that was told to end may end by throwing
    } finally {
      ended.abort()
      await sending
    }
  }

  async #watch (signal: AbortSignal): Promise<void> {
    const { capture, clock } = this.#options
    const chunks = capture[Symbol.asyncIterator]()
    try {
      let next = chunks.next()
      while (!signal.aborted) {
        const result = await Promise.race([next, wait(CLOSE_EVERY_MS, signal)])
        if (typeof result !== 'boolean') {
          if (result.done === true) return
          this.#extractor.push(result.value)
          next = chunks.next()
        }
        this.#send(this.#extractor.close(clock.now()))
      }
    } finally {
      await chunks.return?.()
    }
  }

  async #replay (pace: Pace, signal: AbortSignal): Promise<void> {
    const { capture, uplink } = this.#options
    for await (const chunk of capture) {
      for (let from = 0; from < chunk.count;) {
        await uplink.below(REPLAY_AHEAD_WINDOWS, signal)
        from = await this.#play(chunk, from, pace, signal)
        if (signal.aborted) return
      }
    }
  }

  /** Takes the packets that are due, from `from` on, or waits a little where none is; returns the first that is left. */
  async #play (chunk: PacketChunk, from: number, pace: Pace, signal: AbortSignal): Promise<number> {
    const nowMs = this.#options.clock.now()
    const waitMs = pace.waitMs(pace.shifted(chunk.timesMs[from] ?? 0, nowMs), nowMs)
    if (waitMs > 0) {
      await wait(Math.min(waitMs, CLOSE_EVERY_MS), signal)
      if (waitMs > CLOSE_EVERY_MS) this.#send(this.#extractor.close(pace.reached(this.#options.clock.now())))
      return from
    }
    const reached = pace.reached(nowMs)
    const limit = Math.min(chunk.count, from + MAX_PACKETS_AT_ONCE)
    let to = from + 1
    while (to < limit && pace.shifted(chunk.timesMs[to] ?? 0, nowMs) <= reached) to++
    this.#extractor.push(part(chunk, from, to, (recordedMs) => pace.shifted(recordedMs, nowMs)))
    this.#send(this.#extractor.take())
    return to
  }

  #send (windows: readonly Window[]): void {
    const { uplink, capture } = this.#options
    const { packets, flows, malformed, forgedSent } = this.#extractor.stats
    uplink.count({ packets, flows, malformed, dropped: capture.stats.dropped }, forgedSent - this.#forgedSent)
    this.#forgedSent = forgedSent
    uplink.push(windows, this.#clocks())
  }

  #clocks (): ReadonlyMap<StepMs, number> {
    return new Map(STEPS_MS.map((stepMs) => [stepMs, this.#extractor.lastClosed(stepMs)] as const).filter(([, number]) => number >= 0))
  }
}

/** Packets `from` to `to` of a chunk, under other times. */
function part (chunk: PacketChunk, from: number, to: number, time: (recordedMs: number) => number): PacketChunk {
  return {
    bytes: chunk.bytes,
    count: to - from,
    offsets: chunk.offsets.subarray(from, to),
    captured: chunk.captured.subarray(from, to),
    original: chunk.original.subarray(from, to),
    timesMs: chunk.timesMs.slice(from, to).map(time),
    linkTypes: chunk.linkTypes.subarray(from, to),
  }
}
