import type { AddressInfo } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import type { Registry } from 'prom-client'
import { AutoshieldError } from '../../core/errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Loop } from '../../ports/loop.ts'
import { addApi } from './api.ts'
import { ConsoleMetrics, type Listener } from './console-metrics.ts'
import type { Api, ApiContext } from './context.ts'
import { EventFeed, FEED_LIMITS, type FeedLimits } from './event-feed.ts'
import { addPage } from './page.ts'
import { createServer } from './server.ts'

export interface ConsoleOptions {
  readonly loop: Loop
  readonly log: FastifyBaseLogger
  readonly clock: Clock
  readonly version: string
  /** Shared by the whole process; `/metrics` shows all of it. */
  readonly registry: Registry
  /** Folder of the built page, `src/console/web/dist`. */
  readonly pageFolder: string
  /** Address that the listeners bind to; loopback unless told otherwise. */
  readonly host?: string
  /** Another address for the metrics: in a cluster Prometheus comes from elsewhere, and nobody else should. */
  readonly metricsHost?: string
  /** 0 asks the system for a free port. */
  readonly ports?: Partial<Readonly<Record<Listener, number>>>
  /** Further host names under which the console is called, when it stands behind a name. */
  readonly allowedHosts?: readonly string[]
  readonly feedLimits?: FeedLimits
}

/** Base URLs without a trailing slash. */
export type ConsoleUrls = Readonly<Record<Listener, string>>

const DEFAULT_PORTS = { api: 8000, dashboard: 8081, metrics: 9090 } as const
const LISTENERS = ['api', 'dashboard', 'metrics'] as const satisfies readonly Listener[]

/**
 * API, dashboard and metrics over one loop. Nothing happens before `listen` or `run`. `run` hands the loop's events on
 * until the signal aborts, and then closes every listener; disposing closes them without it.
 */
export interface Console extends AsyncDisposable {
  /** Binds all three listeners or none. Throws UNAVAILABLE when a port is taken. A second call answers the same. */
  listen: () => Promise<ConsoleUrls>
  run: (signal: AbortSignal) => Promise<void>
}

export function createConsole (options: ConsoleOptions): Console {
  return new ConsoleServers(options)
}

class ConsoleServers implements Console {
  readonly #options: ConsoleOptions
  readonly #feed: EventFeed
  readonly #open: Api[] = []
  #urls: Promise<ConsoleUrls> | null = null

  constructor (options: ConsoleOptions) {
    this.#options = options
    this.#feed = new EventFeed(options.feedLimits ?? FEED_LIMITS)
  }

  listen (): Promise<ConsoleUrls> {
    this.#urls ??= this.#listen().catch(async (error: unknown) => {
      await this.#close()
      throw error
    })
    return this.#urls
  }

  async #listen (): Promise<ConsoleUrls> {
    const { log, allowedHosts = [], clock, loop, version, registry, pageFolder } = this.#options
    const context: ApiContext = { loop, clock, version, feed: this.#feed, startedAt: new Date(clock.now()).toISOString() }
    const metrics = new ConsoleMetrics(registry, this.#feed)
    const build: Record<Listener, (app: Api) => Promise<void>> = {
      api: (app) => addApi(app, context),
      dashboard: async (app) => {
        await addApi(app, context)
        await addPage(app, pageFolder)
      },
      metrics: async (app) => metrics.addEndpoint(app),
    }
    const urls: Record<Listener, string> = { api: '', dashboard: '', metrics: '' }
    for (const listener of LISTENERS) {
      const app = createServer({ log: log.child({ listener }), allowedHosts: new Set(allowedHosts.map((name) => name.toLowerCase())) })
      this.#open.push(app)
      metrics.observe(app, listener)
      await build[listener](app)
      urls[listener] = await this.#bind(app, listener)
    }
    return Object.freeze(urls)
  }

  async #bind (app: Api, listener: Listener): Promise<string> {
    const { host: everywhere = '127.0.0.1', metricsHost, ports = {} } = this.#options
    const host = listener === 'metrics' ? metricsHost ?? everywhere : everywhere
    const port = ports[listener] ?? DEFAULT_PORTS[listener]
    try {
      await app.listen({ host, port })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EADDRINUSE') {
        throw new AutoshieldError('UNAVAILABLE', `Port ${port} on ${host} is in use by another process; stop that, or choose another with --${listener}-port.`, { cause: error })
      }
      if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
        throw new AutoshieldError('USAGE', `Cannot listen on ${host} port ${port} (${code}); choose others with --host and --${listener}-port.`, { cause: error })
      }
      throw error
    }
    const bound = app.server.address() as AddressInfo // a TCP listener has one
    return `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
  }

  async run (signal: AbortSignal): Promise<void> {
    try {
      await this.listen()
      for await (const event of this.#options.loop.subscribe(signal)) this.#feed.publish(event)
    } finally {
      await this.#close()
    }
  }

  async #close (): Promise<void> {
    await Promise.all(this.#open.splice(0).map((app) => app.close()))
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.#close()
  }
}
