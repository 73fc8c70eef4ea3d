import { AutoshieldError } from '../../src/core/errors.ts'
import { STEPS_MS } from '../../src/core/window/window.ts'
import { OwnAddresses } from '../../src/core/window/own-addresses.ts'
import { wait } from '../../src/wire/wait.ts'
import type { ObserverReport } from '../health/observer-report.ts'
import type { Uplink } from '../uplink/uplink.ts'
import { AlsServer, type AlsServerOptions } from './als-server.ts'
import { AlsSource, type AlsSourceOptions } from './als-source.ts'
import { DroppedSyns } from './dropped-syns.ts'
import { RestrictionTally } from './restriction-tally.ts'

export interface AccessLogOptions extends Pick<AlsServerOptions, 'socket' | 'onRefused'> {
  /** The pod's own, at least one; the first stands for the pod where no single one is meant. */
  readonly ownAddresses: readonly string[]
  readonly uplink: Pick<Uplink, 'restricted' | 'droppedRestrictions'>
}

type State = Pick<ObserverReport, 'proxyLog' | 'malformedEntries' | 'foreignEntries' | 'droppedCounts'>
export const NO_LOG: State = { proxyLog: null, malformedEntries: 0, foreignEntries: 0, droppedCounts: 0 }

/** What the pod's Envoy logs, and its keeper tells: counts of restricted attempts for the uplink, whatever sees the traffic, and windows where that is the log. */
export class AccessLog {
  readonly #options: AccessLogOptions
  readonly #server: AlsServer
  readonly #tally = new RestrictionTally()
  readonly #droppedSyns: DroppedSyns
  #source: AlsSource | null = null
  /** Entries about connections of other pods. */
  #foreign = 0

  /** Throws BAD_DATA where there is no own address, or one that is none. */
  constructor (options: AccessLogOptions) {
    const own = new OwnAddresses(options.ownAddresses)
    this.#options = options
    const [destination] = options.ownAddresses
    if (destination === undefined) throw new AutoshieldError('BAD_DATA', 'the pod has no address of its own; name one with --address.')
    this.#droppedSyns = new DroppedSyns(destination)
    this.#server = new AlsServer({
      ...options,
      alsoServe: (server) => this.#droppedSyns.serveBy(server),
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
      malformedEntries: this.#server.malformed + this.#server.refused + this.#droppedSyns.malformed,
      foreignEntries: this.#foreign,
      droppedCounts: this.#tally.dropped + this.#droppedSyns.dropped + this.#options.uplink.droppedRestrictions,
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
    const counts = [...this.#tally.drain(), ...this.#droppedSyns.drain()]
    if (counts.length > 0) this.#options.uplink.restricted(counts)
  }
}
