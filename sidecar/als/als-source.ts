import { STEPS_MS, type StepMs } from '../../src/core/window/window.ts'
import type { Clock } from '../../src/ports.ts'
import { wait } from '../../src/wire/wait.ts'
import type { Report } from '../connections/connection-table.ts'
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

const STEP_MS = STEPS_MS[0]
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
        const boundaryMs = (Math.floor(this.#clock.now() / STEP_MS) + 1) * STEP_MS
        if (!await wait(boundaryMs - this.#clock.now(), signal)) break
        this.#take(Math.max(boundaryMs, Math.floor(this.#clock.now() / STEP_MS) * STEP_MS), sink)
      }
      // What was logged since is given before its window would have closed.
      this.#take((Math.floor(this.#clock.now() / STEP_MS) + 1) * STEP_MS, sink)
    } finally {
      this.#watching = false
      this.#entries = []
    }
  }

  #take (untilMs: number, sink: WindowSink): void {
    const entries = this.#entries
    this.#entries = []
    const windows = this.#windows.take(entries, untilMs)
    const { flows, refused } = this.#windows.stats
    const clocks = STEPS_MS.map((stepMs): [StepMs, number] => [stepMs, this.#windows.lastClosed(stepMs)]).filter(([, number]) => number >= 0)
    sink.take(windows, new Map(clocks), { packets: this.#windows.packets, flows, malformed: this.#server.malformed, dropped: this.#lost + refused }, 0)
  }
}
