import fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { AutoshieldError } from '../core/errors.ts'
import type { Identity } from '../core/identity.ts'
import type { Clock, CredentialSource } from '../ports.ts'
import { httpsServer, identityOfCaller } from '../wire/https-server.ts'
import type { HostPort } from './host-port.ts'

export interface ControlServerOptions {
  readonly listen: HostPort
  readonly credentials: CredentialSource
  readonly clock: Clock
  readonly log: Logger
  /** Routes, each of which decides by itself who may call it. */
  readonly routes: readonly ((identify: (request: FastifyRequest) => Identity | null) => FastifyPluginAsync | ((app: FastifyInstance) => Promise<void>))[]
}

/** Observers ask from every pod: one that holds its connection open for long takes a place from another. */
const HTTP = { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 30_000 } as const
const MAX_CONNECTIONS = 4_096

/**
 * Where pods get their certificates and webhooks report admissions: HTTPS, client certificates asked for and not
 * required. Serves until the signal aborts. Rejects UNAVAILABLE where the address cannot be bound.
 */
export async function serveControl ({ listen, credentials, clock, log, routes }: ControlServerOptions, signal: AbortSignal): Promise<void> {
  const app = fastify({
    serverFactory: (handler) => httpsServer(handler, { credentials, askForCertificates: true, http: HTTP, onRefused: (error) => log.error({ error: error.message }, 'the certificate cannot be used') }),
    forceCloseConnections: 'idle',
  })
  app.server.maxConnections = MAX_CONNECTIONS
  app.get('/healthz', () => ({ status: 'ok' }))
  const identify = ({ raw: { socket } }: FastifyRequest): Identity | null => identityOfCaller(socket, clock.now())
  for (const route of routes) await app.register(route(identify))
  try {
    await app.listen(listen)
  } catch (cause) {
    throw new AutoshieldError('UNAVAILABLE', `cannot listen on ${listen.host}:${listen.port} (${AutoshieldError.from(cause).message}); choose another address with --control.`, { cause })
  }
  const stopped = Promise.withResolvers<undefined>()
  signal.addEventListener('abort', () => stopped.resolve(undefined), { once: true })
  if (!signal.aborted) await stopped.promise
  await app.close()
}
