import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { boundConnections } from '../../src/wire/connection-bound.ts'
import { wait } from '../../src/wire/wait.ts'
import type { ObserverReport } from './observer-report.ts'

export interface HealthServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly report: () => ObserverReport
  readonly nowMs: () => number
  /** It listens on this port. */
  readonly onListening?: (port: number) => void
  /** It cannot listen; it tries again every `retryMs`. */
  readonly onRefused?: (error: Error) => void
  readonly retryMs?: number
  /** There were too many connections, and one was closed. */
  readonly onDropped?: () => void
}

const RETRY_MS = 30_000
/** The kubelet and a scraper need two; whoever else in the cluster's network opens more loses its own. */
const MAX_CONNECTIONS = 16
/** A probe and a scrape ask as soon as they have connected; it is looked each second. */
const HTTP = { headersTimeout: 2_000, requestTimeout: 5_000, keepAliveTimeout: 1_000, connectionsCheckingInterval: 1_000, maxHeaderSize: 8_192 } as const

/**
 * Health and metrics over plain HTTP: `/healthz` answers as long as the process turns, for an observer must never be restarted because
 * its detector is away; `/readyz` says whether it watches, with details; `/metrics` is for Prometheus. It never fails the observer.
 */
export class HealthServer {
  readonly #options: HealthServerOptions

  constructor (options: HealthServerOptions) {
    this.#options = options
  }

  /** Listens until the signal aborts. Never rejects. */
  async run (signal: AbortSignal): Promise<void> {
    const { onRefused, retryMs = RETRY_MS } = this.#options
    while (!signal.aborted) {
      const failure = await this.#serve(signal).then(() => null, (error: unknown) => error instanceof Error ? error : new Error(String(error)))
      if (failure === null) return
      onRefused?.(failure)
      await wait(retryMs, signal)
    }
  }

  async #serve (signal: AbortSignal): Promise<void> {
    const { host, port, onListening, onDropped } = this.#options
    const server = createServer(HTTP, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))))
    })
    boundConnections(server, MAX_CONNECTIONS, () => onDropped?.())
    server.listen(port, host)
    await once(server, 'listening')
    onListening?.(portOf(server))
    await closed(server, signal)
  }

  async #answer ({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    const say = (status: number, type: string, text: string): void => {
      response.writeHead(status, { 'content-type': type }).end(text)
    }
    const { report, nowMs } = this.#options
    if (method !== 'GET' && method !== 'HEAD') {
      say(405, 'text/plain', 'GET only\n')
      return
    }
    switch (url ?? '') {
      case '/healthz':
        say(200, 'text/plain', 'ok\n')
        return
      case '/readyz':
        say(report().watching === null ? 503 : 200, 'application/json', `${JSON.stringify(report())}\n`)
        return
      case '/metrics': {
        // Loaded when somebody scrapes: 3 MiB that most pods save.
        const { observerMetrics } = await import('./observer-metrics.ts')
        const registry = observerMetrics(report, nowMs)
        say(200, registry.contentType, await registry.metrics())
        return
      }
      default: say(404, 'text/plain', 'there are /healthz, /readyz and /metrics\n')
    }
  }
}

function portOf (server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Resolves when the signal has aborted and the server is closed; rejects where it fails before. */
async function closed (server: Server, signal: AbortSignal): Promise<void> {
  const stop = (): void => {
    server.close()
    server.closeAllConnections()
  }
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    await once(server, 'close')
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
