import { setTimeout } from 'node:timers/promises'
import fastify, { type FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import type { AdmissionGap } from '../../src/core/admission/batch.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { InjectionContext } from '../../src/core/injection/settings.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { NamespaceDirectory } from '../../src/ports/directories.ts'
import type { CredentialSource } from '../../src/ports/identity.ts'
import { boundConnections } from '../../src/wire/connection-bound.ts'
import { httpsServer } from '../../src/wire/https-server.ts'
import { FaultLog, type Log } from './fault-log.ts'
import { Intake, INTAKE_LIMITS, type IntakeLimits, type Reviewers } from './intake.ts'
import { webhookMetrics, WEBHOOKS } from './metrics.ts'
import { portOf } from './port-of.ts'
import { certificateProblem } from './readiness.ts'
import { UnseenReviews } from './unseen-reviews.ts'

export interface WebhookServerOptions {
  readonly listen: { readonly host: string, readonly port: number }
  readonly credentials: CredentialSource
  readonly reviewers: Reviewers
  readonly namespaces: Pick<NamespaceDirectory, 'ready'>
  readonly context: () => InjectionContext | null
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  readonly limits?: IntakeLimits
  readonly connections?: number
  /** How long it serves on after it said that it is not ready any more, for the endpoints to be brought up to date. */
  readonly drainMs?: number
  /** How long what is in flight may take after that. */
  readonly stopMs?: number
  /** Reviews that were let through without having been looked at, summed up: the record lacks them. */
  readonly onGap: (gap: AdmissionGap) => void
  /** Told the port that was bound. */
  readonly onListening?: (port: number) => void
}

const DEFAULTS = { limits: INTAKE_LIMITS, connections: 4_096, drainMs: 3_000, stopMs: 4_000 } as const

const HTTP = {
  headersTimeout: 5_000,
  // Above the longest deadline of a review, which answers before.
  requestTimeout: 30_000,
  // Go's client drops idle connections after 90 s: were we first, a review could be sent into a connection that closes.
  keepAliveTimeout: 120_000,
  connectionsCheckingInterval: 1_000,
  // The API server sends a few hundred bytes.
  maxHeaderSize: 8 << 10,
} as const
const SWEEP_MS = 100

type State = 'serving' | 'draining' | 'stopping'

/** `POST /inject` and `POST /audit` for the API server, `GET /healthz` and `GET /readyz` for the kubelet, over TLS 1.3. */
export class WebhookServer {
  readonly #options: WebhookServerOptions & Required<Pick<WebhookServerOptions, keyof typeof DEFAULTS>>
  readonly #intake: Intake
  readonly #unseen: UnseenReviews
  readonly #app: FastifyInstance
  #state: State = 'serving'

  constructor (options: WebhookServerOptions) {
    this.#options = { ...DEFAULTS, ...options }
    const { registry, reviewers, limits, connections, log, clock, onGap } = this.#options
    this.#unseen = new UnseenReviews(clock, onGap)
    const metrics = webhookMetrics(registry, () => this.#intake.held)
    this.#intake = new Intake({ reviewers, limits, metrics, faults: new FaultLog(log, clock), onUnseen: () => { this.#unseen.add() }, nowMs: () => performance.now() })
    this.#app = this.#build()
    boundConnections(this.#app.server, connections, () => metrics.connectionDropped())
  }

  /** Serves until the signal aborts and what was in flight is answered. Throws UNAVAILABLE where the address cannot be bound. */
  async run (signal: AbortSignal): Promise<void> {
    const { listen, drainMs, stopMs, onListening } = this.#options
    const aborted = Promise.withResolvers<undefined>()
    signal.addEventListener('abort', () => aborted.resolve(undefined), { once: true })
    try {
      await this.#app.listen({ host: listen.host, port: listen.port, backlog: 1_024 })
    } catch (cause) {
      throw new AutoshieldError('UNAVAILABLE', `the webhook cannot listen on ${listen.host}:${listen.port} (${AutoshieldError.from(cause).message}); choose another address with --listen.`, { cause })
    }
    const sweeping = setInterval(() => this.#sweep(), SWEEP_MS)
    try {
      onListening?.(portOf(this.#app.server) ?? listen.port)
      if (!signal.aborted) await aborted.promise
      this.#state = 'draining'
      this.#intake.closing = true
      await setTimeout(drainMs)
      await this.#stop(stopMs)
    } finally {
      clearInterval(sweeping)
      this.#unseen.tell()
    }
  }

  /** Why it should get no reviews now; empty where it should. */
  notReady (): readonly string[] {
    const { credentials, namespaces, context, clock } = this.#options
    const reasons = [
      this.#state === 'serving' ? null : 'it is stopping',
      certificateProblem(credentials, clock.now()),
      namespaces.ready() ? null : 'the namespaces of the cluster are not known yet',
      context() === null ? 'the settings, the cluster\'s version or the authorities are not known yet' : null,
    ]
    return reasons.filter((reason) => reason !== null)
  }

  #sweep (): void {
    this.#intake.sweep()
    this.#unseen.tellWhenDue()
  }

  async #stop (withinMs: number): Promise<void> {
    this.#state = 'stopping'
    const { server } = this.#app
    const late = setTimeout(withinMs, undefined, { ref: false }).then(() => { server.closeAllConnections() })
    const closed = this.#app.close() // accepts nobody any more, ends what is idle, waits for the rest
    await Promise.race([closed, late.then(() => closed)])
  }

  #build (): FastifyInstance {
    const { credentials, log } = this.#options
    const app = fastify({
      serverFactory: (handler) => httpsServer(handler, { credentials, http: HTTP, onRefused: (error) => log.error({ err: error }, 'the serving certificate cannot be used; the one before stays') }),
      forceCloseConnections: 'idle',
      return503OnClosing: false, // a review that comes in on an open connection while we close is answered
      exposeHeadRoutes: false,
    })
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => { done(null) }) // the intake reads bodies itself, within its bounds
    app.setNotFoundHandler((_request, reply) => reply.code(404).header('connection', 'close').send({ code: 'NOT_FOUND', message: 'There is nothing here; reviews go to POST /inject and POST /audit.' }))
    app.setErrorHandler((_error, _request, reply) => reply.code(400).header('connection', 'close').send({ code: 'USAGE', message: 'The request is not as it should be.' }))
    for (const webhook of WEBHOOKS) {
      app.post(`/${webhook}`, (request, reply) => {
        reply.hijack()
        this.#intake.take(webhook, request.raw, reply.raw)
      })
    }
    app.get('/healthz', () => ({ status: 'ok' }))
    app.get('/readyz', (_request, reply) => {
      const reasons = this.notReady()
      return reply.code(reasons.length === 0 ? 200 : 503).send({ ready: reasons.length === 0, reasons })
    })
    return app
  }
}
