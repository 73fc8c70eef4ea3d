import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { EventFeed } from './event-feed.ts'
import type { Api } from './context.ts'

export type Listener = 'api' | 'dashboard' | 'metrics'

/** The console's own metrics, on the registry that the process shares. Labels are bounded: routes by their pattern, never by their text. */
export class ConsoleMetrics {
  readonly #registry: Registry
  readonly #requests: Histogram<'listener' | 'method' | 'route' | 'status'>

  constructor (registry: Registry, feed: EventFeed) {
    this.#registry = registry
    this.#requests = new Histogram({
      name: 'autoshield_console_request_duration_seconds',
      help: 'Time from a request\'s headers to its answer, event streams left out.',
      labelNames: ['listener', 'method', 'route', 'status'],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
      registers: [registry],
    })
    const streams: Gauge = new Gauge({
      name: 'autoshield_console_event_streams',
      help: 'Event streams that are open now.',
      registers: [registry],
      collect: () => streams.set(feed.counts.readers),
    })
    const dropped: Counter = new Counter({
      name: 'autoshield_console_events_dropped_total',
      help: 'Events that slow readers lost; each such reader was told to fetch the lists anew.',
      registers: [registry],
      collect: () => {
        dropped.reset()
        dropped.inc(feed.counts.dropped)
      },
    })
  }

  observe (app: Api, listener: Listener): void {
    app.addHook('onResponse', async (request, reply) => {
      const route = request.routeOptions.url ?? 'none'
      if (route.endsWith('/events')) return
      this.#requests.observe({ listener, method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000)
    })
  }

  /** `/metrics` in the text format that Prometheus scrapes. */
  addEndpoint (app: Api): void {
    app.get('/metrics', async (_request, reply) => reply.type(this.#registry.contentType).send(await this.#registry.metrics()))
  }
}
