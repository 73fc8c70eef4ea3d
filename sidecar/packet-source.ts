import { WindowExtractor, type ExtractorStats } from '../src/core/window/window-extractor.ts'
import { STEPS_MS, type StepMs, type Window } from '../src/core/window/window.ts'
import type { Clock } from '../src/ports.ts'
import { wait } from '../src/wire/wait.ts'
import { newStats, type Capture, type CaptureStats } from './capture/capture.ts'
import type { WindowSink, WindowSource } from './window-source.ts'

export interface PacketSourceOptions {
  /** Begins a capture; called once a run. `ready` resolves when it sees packets. */
  readonly open: (signal: AbortSignal) => Promise<Capture & { readonly ready?: Promise<void> }>
  readonly ownAddresses: readonly string[] | null
  readonly clock: Clock
  /** Something that an outsider cannot guess; see ExtractorOptions. */
  readonly seed: number
  /** See ExtractorOptions. */
  readonly maxFlows?: number
  readonly maxKeys?: number
}

/** How often windows are closed while no packets come. */
const CLOSE_EVERY_MS = 100

/** Live packets to windows; they close by the clock also when nothing comes. */
export class PacketSource implements WindowSource {
  readonly name = 'packet'
  readonly #options: PacketSourceOptions
  readonly #extractor: WindowExtractor
  #capture: Readonly<CaptureStats> = newStats()
  /** Lost in captures that have ended. */
  #lost = 0
  #forgedSent = 0

  constructor (options: PacketSourceOptions) {
    this.#options = options
    this.#extractor = new WindowExtractor(options)
  }

  /** Cumulative; those of the capture begin anew with each run. */
  get stats (): { readonly capture: Readonly<CaptureStats>, readonly windows: ExtractorStats } {
    return { capture: this.#capture, windows: this.#extractor.stats }
  }

  async run (signal: AbortSignal, sink: WindowSink): Promise<void> {
    const capture = await this.#options.open(signal)
    this.#lost += this.#capture.dropped
    this.#capture = capture.stats
    capture.ready?.then(() => sink.watching(), () => undefined) // the iteration rejects with the same
    try {
      await this.#watch(capture, signal, sink)
    } catch (error) {
      if (!signal.aborted) throw error // a source that was told to end may end by throwing
    } finally {
      if (signal.aborted) this.#give(this.#extractor.flush(), sink)
    }
  }

  async #watch (capture: Capture, signal: AbortSignal, sink: WindowSink): Promise<void> {
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
        this.#give(this.#extractor.close(this.#options.clock.now()), sink)
      }
    } finally {
      await chunks.return?.()
    }
  }

  #give (windows: readonly Window[], sink: WindowSink): void {
    const { packets, flows, malformed, forgedSent } = this.#extractor.stats
    const clocks = STEPS_MS.map((stepMs): [StepMs, number] => [stepMs, this.#extractor.lastClosed(stepMs)]).filter(([, number]) => number >= 0)
    sink.take(windows, new Map(clocks), { packets, flows, malformed, dropped: this.#lost + this.#capture.dropped }, forgedSent - this.#forgedSent)
    this.#forgedSent = forgedSent
  }
}
