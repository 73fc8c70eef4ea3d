import type { Clock } from '../../src/ports/clock.ts'
import type { Report } from '../connections/connection-table.ts'
import { giveLook, nextStepEnd, stepEnd, stepStart } from '../connections/step-frame.ts'
import type { WindowSink, WindowSource } from '../window-source.ts'
import type { AlsServer } from './als-server.ts'
import { LogWindows } from './log-windows.ts'
import type { ProxyEntry } from './proxy-entry.ts'

export interface AlsSourceOptions {
  /** Runs beside the source; its entries are handed to `hear`. */
  readonly server: AlsServer
  /** The pod's own, at least one. */
  readonly ownAddresses: readonly string[]
  /** The observer's own connections, which belong to no window. */
  readonly ignores?: (report: Report) => boolean
  readonly clock: Clock
  /** Something that an outsider cannot guess. */
  readonly seed?: number
}

/** Entries that are kept between two looks: 131,072 a second. */
const MAX_ENTRIES = 65_536

/** The access log of the pod's proxy to windows: what was logged in a step is looked at when it ends. */
export class AlsSource implements WindowSource {
  readonly name = 'als'
  readonly #server: AlsServer
  readonly #clock: Clock
  readonly #windows: LogWindows
  #entries: ProxyEntry[] = []
  #watching = false
  #lost = 0

  constructor (options: AlsSourceOptions) {
    this.#server = options.server
    this.#clock = options.clock
    this.#windows = new LogWindows(options)
  }

  /** Takes an entry; what comes while nobody watches is let go. */
  hear (entry: ProxyEntry): void {
    if (!this.#watching) return
    if (this.#entries.length < MAX_ENTRIES) this.#entries.push(entry)
    else this.#lost++
  }

  async run (signal: AbortSignal, sink: WindowSink): Promise<void> {
    if (!await this.#server.listens(signal)) return
    this.#watching = true
    sink.watching()
    try {
      for (;;) {
        const boundaryMs = await nextStepEnd(this.#clock, signal)
        if (boundaryMs === null) break
        this.#take(Math.max(boundaryMs, stepStart(this.#clock.now())), sink)
      }
      // What was logged since is given before its window would have closed.
      this.#take(stepEnd(this.#clock.now()), sink)
    } finally {
      this.#watching = false
      this.#entries = []
    }
  }

  #take (untilMs: number, sink: WindowSink): void {
    const entries = this.#entries
    this.#entries = []
    giveLook(sink, this.#windows.take(entries, untilMs), this.#windows, { malformed: this.#server.malformed, lost: this.#lost })
  }
}
