import { backoffMs, type Backoff } from '../src/core/backoff.ts'
import { AutoshieldError } from '../src/core/errors.ts'
import { wait } from '../src/wire/wait.ts'
import type { SourceCounts } from './uplink/outbox.ts'
import type { Uplink } from './uplink/uplink.ts'
import type { WindowSink, WindowSource } from './window-source.ts'

export type ObserverEvent =
  | { readonly type: 'watching', readonly source: string }
  /** `next`: the source that is tried now in its place, or null where it is tried again after `retryMs`. */
  | { readonly type: 'refused', readonly source: string, readonly error: AutoshieldError, readonly next: string | null, readonly retryMs: number }

/** What keeps an observer watching, whatever happens. */
export interface Persistence {
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly backoff?: Backoff
  /** How long a source that stands in for a better one watches until the better one is tried again. */
  readonly standInMs?: number
}

export interface ObserverOptions {
  /** The best first; each that cannot watch is followed by the next. */
  readonly sources: readonly [WindowSource, ...WindowSource[]]
  /** Not running yet: the observer runs it, and drains it at its end. */
  readonly uplink: Uplink
  /** Null: a source that cannot watch ends the observer. */
  readonly persistence: Persistence | null
  readonly onEvent?: (event: ObserverEvent) => void
}

/** Whose turn it is to watch, and how often in a row one has failed. */
interface Turn { readonly at: number, readonly attempt: number }

const DEFAULTS = { backoff: { baseMs: 1_000, maxMs: 60_000 }, standInMs: 10 * 60_000 } as const
/** A source that has watched for so long has not just failed to start. */
const STEADY_MS = 60_000

/** Traffic to windows to a detector, for one pod or one recording. */
export class Observer {
  readonly #options: ObserverOptions
  /** The source that sees the traffic; null while none does. */
  #watching: WindowSource | null = null
  #windows = 0
  /** The newest of each source that has watched. */
  readonly #counts = new Map<WindowSource, SourceCounts>()

  constructor (options: ObserverOptions) {
    this.#options = options
  }

  /** `windows` and `counts` are cumulative, over all sources. */
  get state (): { readonly watching: string | null, readonly windows: number, readonly counts: SourceCounts } {
    return { watching: this.#watching?.name ?? null, windows: this.#windows, counts: sumOf([...this.#counts.values()]) }
  }

  /**
   * Observes until the source ends or the signal aborts, then gets across what is left. Without persistence it rejects where the source
   * cannot watch; the uplink's troubles are its own, and it reconnects.
   */
  async run (signal: AbortSignal): Promise<void> {
    const { uplink, sources: [source], persistence } = this.#options
    const ended = new AbortController()
    const sending = uplink.run(ended.signal)
    try {
      if (persistence === null) await this.#watch(source, signal)
      else await this.#keepWatching({ ...DEFAULTS, ...persistence }, signal)
    } finally {
      ended.abort()
      await sending
    }
  }

  async #keepWatching (persistence: Required<Persistence>, signal: AbortSignal): Promise<void> {
    let turn: Turn = { at: 0, attempt: 0 }
    while (!signal.aborted) turn = await this.#takeTurn(turn, persistence, signal)
  }

  /** Lets a source watch as long as it can; returns whose turn it is next. */
  async #takeTurn ({ at, attempt }: Turn, { random, backoff, standInMs }: Required<Persistence>, signal: AbortSignal): Promise<Turn> {
    const { sources, onEvent } = this.#options
    const source = sources[at] ?? sources[0]
    const term = at === 0 ? signal : AbortSignal.any([signal, AbortSignal.timeout(standInMs)])
    const sinceMs = performance.now()
    let watched = 0
    const failure = await this.#watch(source, term, () => watched++).then(() => null, (error: unknown) => AutoshieldError.from(error))
    if (term.aborted) return { at: 0, attempt } // stopped, or the better source has its turn again
    // A source that has watched will again; one that never did may not be allowed to.
    const next = watched > 0 ? null : sources[at + 1] ?? null
    const failures = performance.now() - sinceMs >= STEADY_MS ? 0 : attempt
    const retryMs = next === null ? backoffMs(failures, random(), backoff) : 0
    const error = failure ?? new AutoshieldError('UNAVAILABLE', `the source ${source.name} has ended.`)
    onEvent?.({ type: 'refused', source: source.name, error, next: next?.name ?? null, retryMs })
    await wait(retryMs, signal)
    if (next !== null) return { at: at + 1, attempt }
    return { at: watched > 0 ? at : 0, attempt: failures + 1 }
  }

  async #watch (source: WindowSource, signal: AbortSignal, onWatching?: () => void): Promise<void> {
    const { uplink, onEvent } = this.#options
    const sink: WindowSink = {
      watching: () => {
        this.#watching = source
        uplink.watchesWith(source.name)
        onWatching?.()
        onEvent?.({ type: 'watching', source: source.name })
      },
      take: (windows, clocks, counts, forgedSent) => {
        this.#windows += windows.length
        this.#counts.set(source, counts)
        uplink.count(sumOf([...this.#counts.values()]), forgedSent)
        uplink.push(windows, clocks)
      },
    }
    try {
      await source.run(signal, sink)
    } finally {
      this.#watching = null
    }
  }
}

const sumOf = (counts: readonly SourceCounts[]): SourceCounts => counts.reduce((sum, each) => ({
  packets: sum.packets + each.packets,
  flows: sum.flows + each.flows,
  malformed: sum.malformed + each.malformed,
  dropped: sum.dropped + each.dropped,
}), { packets: 0, flows: 0, malformed: 0, dropped: 0 })
