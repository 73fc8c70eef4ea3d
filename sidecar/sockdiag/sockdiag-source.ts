import type { Clock } from '../../src/ports/clock.ts'
import { giveLook, nextStepEnd, stepEnd, stepStart } from '../connections/step-frame.ts'
import type { WindowSink, WindowSource } from '../window-source.ts'
import type { SocketReport } from './socket-report.ts'
import { SocketWindows, type Look } from './socket-windows.ts'
import { followEnds, readCounters, snapshot } from './ss.ts'

export interface SockdiagSourceOptions {
  /** The pod's own, at least one. */
  readonly ownAddresses: readonly string[]
  /** The observer's own sockets, which belong to no window. */
  readonly ignores?: (socket: SocketReport) => boolean
  /** See SocketWindowsOptions. */
  readonly outboundPort?: number | null
  readonly clock: Clock
  /** Something that an outsider cannot guess. */
  readonly seed?: number
}

/** Ended sockets that are kept between two looks; a pod that ends more is told as `dropped`. */
const MAX_ENDED = 65_536

/** The kernel's sockets to windows, as any process in the pod may see them: a snapshot at each step's end, and sockets as they end. */
export class SockdiagSource implements WindowSource {
  readonly name = 'sockdiag'
  readonly #clock: Clock
  readonly #windows: SocketWindows
  #ended: { readonly socket: SocketReport, readonly atMs: number }[] = []
  #lost = 0

  constructor (options: SockdiagSourceOptions) {
    this.#clock = options.clock
    this.#windows = new SocketWindows(options)
  }

  async run (signal: AbortSignal, sink: WindowSink): Promise<void> {
    const broken = new AbortController()
    const either = AbortSignal.any([signal, broken.signal])
    const following = followEnds(either, (socket) => this.#hear(socket))
    // A follower that breaks off ends the looks, too: without it, most connections would not be seen at all.
    following.catch(() => broken.abort())
    try {
      await this.#look(either, sink)
    } finally {
      broken.abort()
      await following
    }
    if (signal.aborted) await this.#last(sink)
  }

  #hear (socket: SocketReport): void {
    if (this.#ended.length < MAX_ENDED) this.#ended.push({ socket, atMs: this.#clock.now() })
    else this.#lost++
  }

  async #look (signal: AbortSignal, sink: WindowSink): Promise<void> {
    const startMs = stepStart(this.#clock.now())
    this.#take(await this.#see(signal), startMs, sink)
    sink.watching()
    for (;;) {
      const boundaryMs = await nextStepEnd(this.#clock, signal)
      if (boundaryMs === null) return
      const look = await this.#see(signal)
      if (signal.aborted) return // it may have been cut short
      this.#take(look, Math.max(boundaryMs, stepStart(this.#clock.now())), sink)
    }
  }

  async #see (signal: AbortSignal): Promise<Look> {
    const [{ sockets, hasTimeWait }, counters] = await Promise.all([snapshot(signal), readCounters()])
    const ended = this.#ended
    this.#ended = []
    return { atMs: this.#clock.now(), ended, sockets, hasTimeWait, counters }
  }

  /** What ended since the last look is given before its window would have closed. */
  async #last (sink: WindowSink): Promise<void> {
    const nowMs = this.#clock.now()
    const look = { ...await this.#see(new AbortController().signal), atMs: nowMs }
    this.#take(look, stepEnd(nowMs), sink)
  }

  #take (look: Look, untilMs: number, sink: WindowSink): void {
    giveLook(sink, this.#windows.take(look, untilMs), this.#windows, { malformed: 0, lost: this.#lost })
  }
}
