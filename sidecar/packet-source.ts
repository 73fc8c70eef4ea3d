import { WindowExtractor, type ExtractorStats } from '../src/core/window/window-extractor.ts'
import { STEPS_MS, type StepMs, type Window } from '../src/core/window/window.ts'
import type { Clock } from '../src/ports/clock.ts'
import { wait } from '../src/wire/wait.ts'
import { newStats, type Capture, type CaptureStats } from './capture/capture.ts'
import type { WindowSink, WindowSource } from './window-source.ts'

export interface OpenedCapture extends Capture {
  /** Resolves when it sees packets. */
  readonly ready?: Promise<void>
  /** Aborts when it does not see what it should any more: it is ended, and another one takes its place. */
  readonly outdated?: AbortSignal
}

export interface PacketSourceOptions {
  /** Begins a capture, which ends when the signal aborts. Called at the start of a run, and for each capture that is outdated. */
  readonly open: (signal: AbortSignal) => Promise<OpenedCapture>
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

  /** Cumulative; those of the capture begin anew with each capture. */
  get stats (): { readonly capture: Readonly<CaptureStats>, readonly windows: ExtractorStats } {
    return { capture: this.#capture, windows: this.#extractor.stats }
  }

  async run (signal: AbortSignal, sink: WindowSink): Promise<void> {
    try {
      while (await this.#watch(signal, sink) === 'outdated') { /* the next one */ }
    } catch (error) {
      if (!signal.aborted) throw error // a source that was told to end may end by throwing
    } finally {
      if (signal.aborted) this.#give(this.#extractor.flush(), sink)
    }
  }

  /** One capture, from its beginning to its end. Packets and the clock each close windows on their own: neither waits for the other. */
  async #watch (signal: AbortSignal, sink: WindowSink): Promise<'outdated' | 'ended'> {
    const over = new AbortController()
    const end = (): void => over.abort()
    const term = AbortSignal.any([signal, over.signal])
    const capture = await this.#options.open(term)
    this.#lost += this.#capture.dropped
    this.#capture = capture.stats
    capture.ready?.then(() => sink.watching(), () => undefined) // the iteration rejects with the same
    capture.outdated?.addEventListener('abort', end, { signal: term })
    if (capture.outdated?.aborted === true) end()
    await Promise.all([this.#read(capture, term, sink).finally(end), this.#closeByClock(term, sink).finally(end)])
    return capture.outdated?.aborted === true && !signal.aborted ? 'outdated' : 'ended'
  }

  async #read (capture: Capture, signal: AbortSignal, sink: WindowSink): Promise<void> {
    for await (const chunk of capture) {
      this.#extractor.push(chunk)
      this.#close(sink)
      if (signal.aborted) return
    }
  }

  async #closeByClock (signal: AbortSignal, sink: WindowSink): Promise<void> {
    while (await wait(CLOSE_EVERY_MS, signal)) this.#close(sink)
  }

  #close (sink: WindowSink): void {
    this.#give(this.#extractor.close(this.#options.clock.now()), sink)
  }

  #give (windows: readonly Window[], sink: WindowSink): void {
    const { packets, flows, malformed, forgedSent } = this.#extractor.stats
    const clocks = STEPS_MS.map((stepMs): [StepMs, number] => [stepMs, this.#extractor.lastClosed(stepMs)]).filter(([, number]) => number >= 0)
    sink.take(windows, new Map(clocks), { packets, flows, malformed, dropped: this.#lost + this.#capture.dropped }, forgedSent - this.#forgedSent)
    this.#forgedSent = forgedSent
  }
}
