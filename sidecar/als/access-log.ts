import { STEPS_MS } from '../../src/core/window/window.ts'
import { OwnAddresses } from '../../src/core/window/own-addresses.ts'
import { wait } from '../../src/wire/wait.ts'
import type { ObserverReport } from '../health/observer-report.ts'
import type { Uplink } from '../uplink/uplink.ts'
import { AlsServer, type AlsServerOptions } from './als-server.ts'
import { AlsSource, type AlsSourceOptions } from './als-source.ts'
import { RestrictionTally } from './restriction-tally.ts'

export interface AccessLogOptions extends Pick<AlsServerOptions, 'socket' | 'onRefused'> {
  /** The pod's own, at least one. */
  readonly ownAddresses: readonly string[]
  readonly uplink: Pick<Uplink, 'restricted' | 'droppedRestrictions'>
}

type State = Pick<ObserverReport, 'proxyLog' | 'malformedEntries' | 'foreignEntries' | 'droppedCounts'>
export const NO_LOG: State = { proxyLog: null, malformedEntries: 0, foreignEntries: 0, droppedCounts: 0 }

/** What the pod's Envoy logs: counts of restricted attempts for the uplink, whatever sees the traffic, and windows where that is the log. */
export class AccessLog {
  readonly #options: AccessLogOptions
  readonly #server: AlsServer
  readonly #tally = new RestrictionTally()
  #source: AlsSource | null = null
  /** Entries about connections of other pods. */
  #foreign = 0

  /** Throws BAD_DATA where an own address is none. */
  constructor (options: AccessLogOptions) {
    const own = new OwnAddresses(options.ownAddresses)
    this.#options = options
    this.#server = new AlsServer({
      ...options,
      onEntry: (entry) => {
        if (![entry.local, entry.peer].some(({ address }) => address !== null && own.has(address, 0))) {
          this.#foreign++ // the detector refuses who tells of others
          return
        }
        this.#tally.take(entry)
        this.#source?.hear(entry)
      },
    })
  }

  get state (): State {
    return {
      proxyLog: this.#server.log,
      malformedEntries: this.#server.malformed + this.#server.refused,
      foreignEntries: this.#foreign,
      droppedCounts: this.#tally.dropped + this.#options.uplink.droppedRestrictions,
    }
  }

  /** The source that makes windows of the log; there is one. */
  source (options: Omit<AlsSourceOptions, 'server' | 'ownAddresses'>): AlsSource {
    this.#source = new AlsSource({ ...options, server: this.#server, ownAddresses: this.#options.ownAddresses })
    return this.#source
  }

  /** Serves until the signal aborts. Never rejects. */
  async run (signal: AbortSignal): Promise<void> {
    const serving = this.#server.run(signal)
    while (await wait(STEPS_MS[0], signal)) this.#tell()
    await serving
    this.#tell()
  }

  #tell (): void {
    const counts = this.#tally.drain()
    if (counts.length > 0) this.#options.uplink.restricted(counts)
  }
}
