import type { PacketChunk } from '../src/core/flow/packet-chunk.ts'
import { WindowExtractor, type ExtractorStats } from '../src/core/window/window-extractor.ts'
import { STEPS_MS, type StepMs, type Window } from '../src/core/window/window.ts'
import type { Clock } from '../src/ports/clock.ts'
import { wait } from '../src/wire/wait.ts'
import type { Capture, CaptureStats } from './capture/capture.ts'
import { Pace } from './pace.ts'
import type { WindowSink, WindowSource } from './window-source.ts'

export interface RecordingSourceOptions {
  readonly capture: Capture
  /** Times the recorded speed; Infinity is as fast as it goes. */
  readonly speed: number
  /** Resolves when fewer than so many windows are on their way: a recording waits, and none of them is lost. */
  readonly below: (windows: number, signal: AbortSignal) => Promise<void>
  readonly clock: Clock
  /** Something that an outsider cannot guess; see ExtractorOptions. */
  readonly seed: number
}

/** How often windows are closed while no packets are due. */
const CLOSE_EVERY_MS = 100
/** A recording waits while so many windows are on their way, however slow the detector. */
const AHEAD_WINDOWS = 8_192
/** More packets than this are not taken without a look at the clock. */
const MAX_PACKETS_AT_ONCE = 16_384

/** A recording, played at so many times its speed; every key of it is reported. */
export class RecordingSource implements WindowSource {
  readonly name = 'pcap'
  readonly #options: RecordingSourceOptions
  readonly #extractor: WindowExtractor
  #forgedSent = 0

  constructor (options: RecordingSourceOptions) {
    this.#options = options
    this.#extractor = new WindowExtractor({ ownAddresses: null, seed: options.seed })
  }

  /** Cumulative. */
  get stats (): { readonly capture: Readonly<CaptureStats>, readonly windows: ExtractorStats } {
    return { capture: this.#options.capture.stats, windows: this.#extractor.stats }
  }

  /** Ends with the recording, when all of it has arrived. */
  async run (signal: AbortSignal, sink: WindowSink): Promise<void> {
    sink.watching()
    try {
      await this.#replay(new Pace(this.#options.speed), signal, sink)
      this.#give(this.#extractor.flush(), sink)
      await this.#options.below(1, signal)
    } catch (error) {
      if (!signal.aborted) throw error // a source that was told to end may end by throwing
    }
  }

  async #replay (pace: Pace, signal: AbortSignal, sink: WindowSink): Promise<void> {
    const { capture, below } = this.#options
    for await (const chunk of capture) {
      for (let from = 0; from < chunk.count;) {
        await below(AHEAD_WINDOWS, signal)
        from = await this.#play({ chunk, from, pace, signal, sink })
        if (signal.aborted) return
      }
    }
  }

  /** Takes the packets that are due, from `from` on, or waits a little where none is; returns the first that is left. */
  async #play ({ chunk, from, pace, signal, sink }: { chunk: PacketChunk, from: number, pace: Pace, signal: AbortSignal, sink: WindowSink }): Promise<number> {
    const nowMs = this.#options.clock.now()
    const waitMs = pace.waitMs(pace.shifted(chunk.timesMs[from] ?? 0, nowMs), nowMs)
    if (waitMs > 0) {
      await wait(Math.min(waitMs, CLOSE_EVERY_MS), signal)
      if (waitMs > CLOSE_EVERY_MS) this.#give(this.#extractor.close(pace.reached(this.#options.clock.now())), sink)
      return from
    }
    const reached = pace.reached(nowMs)
    const limit = Math.min(chunk.count, from + MAX_PACKETS_AT_ONCE)
    let to = from + 1
    while (to < limit && pace.shifted(chunk.timesMs[to] ?? 0, nowMs) <= reached) to++
    this.#extractor.push(part(chunk, from, to, (recordedMs) => pace.shifted(recordedMs, nowMs)))
    this.#give(this.#extractor.take(), sink)
    return to
  }

  #give (windows: readonly Window[], sink: WindowSink): void {
    const { packets, flows, malformed, forgedSent } = this.#extractor.stats
    const clocks = STEPS_MS.map((stepMs): [StepMs, number] => [stepMs, this.#extractor.lastClosed(stepMs)]).filter(([, number]) => number >= 0)
    sink.take(windows, new Map(clocks), { packets, flows, malformed, dropped: this.#options.capture.stats.dropped }, forgedSent - this.#forgedSent)
    this.#forgedSent = forgedSent
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
