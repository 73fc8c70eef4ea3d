import type { Socket } from 'node:net'
import fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { AutoshieldError } from '../core/errors.ts'
import type { Identity } from '../core/identity.ts'
import type { Clock } from '../ports/clock.ts'
import type { CredentialSource } from '../ports/identity.ts'
import { boundConnections } from '../wire/connection-bound.ts'
import { httpsServer, identityOfCaller } from '../wire/https-server.ts'
import type { HostPort } from './host-port.ts'
import { sparingly } from './sparingly.ts'

export interface ControlServerOptions {
  readonly listen: HostPort
  readonly credentials: CredentialSource
  readonly clock: Clock
  readonly log: Logger
  /** Routes, each of which decides by itself who may call it. */
  readonly routes: readonly ((identify: (request: FastifyRequest) => Identity | null) => FastifyPluginAsync | ((app: FastifyInstance) => Promise<void>))[]
  /** In all, and of one address; over it, whoever has most loses its oldest. */
  readonly connections?: { readonly most: number, readonly mostOfOne: number }
  /** Whether `/readyz` says so; it does unless told otherwise. */
  readonly isReady?: () => boolean
  /** Told the port that was bound. */
  readonly onListening?: (port: number) => void
}

/** Observers ask from every pod: one that holds its connection open for long takes a place from another. */
const HTTP = { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 5_000, connectionsCheckingInterval: 1_000 } as const
/** After so many a connection ends, however lively: it would hold its place for ever. */
const MAX_REQUESTS = 100
/** Of one address: a node's pods may come from the node's own. */
const CONNECTIONS = { most: 4_096, mostOfOne: 512 } as const
/** What is under way when it stops may take so long: a replica that is to lead stops serving its health before it begins. */
const CLOSE_MS = 500

/**
 * Where pods get their certificates and webhooks report admissions: HTTPS, client certificates asked for and not
 * required. Serves until the signal aborts, and half a second more where somebody is still connected. Rejects UNAVAILABLE where the address cannot be bound.
 */
export async function serveControl ({ listen, credentials, clock, log, routes, connections = CONNECTIONS, isReady = () => true, onListening }: ControlServerOptions, signal: AbortSignal): Promise<void> {
  const app = fastify({
    serverFactory: (handler) => httpsServer(handler, { credentials, askForCertificates: true, http: HTTP, onRefused: (error) => log.error({ error: error.message }, 'the certificate cannot be used') }),
    forceCloseConnections: 'idle',
  })
  app.server.maxRequestsPerSocket = MAX_REQUESTS
  const sockets = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const dropped = sparingly(() => log.warn(connections, 'too many connections: the address with most of them loses its oldest'), () => 'dropped')
  boundConnections(app.server, connections.most, () => dropped(undefined), connections.mostOfOne)
  app.get('/healthz', () => ({ status: 'ok' }))
  app.get('/readyz', (_, reply) => isReady() ? { status: 'ready' } : reply.code(503).send({ status: 'not ready' }))
  const identify = ({ raw: { socket } }: FastifyRequest): Identity | null => identityOfCaller(socket, clock.now())
  for (const route of routes) await app.register(route(identify))
  try {
    await app.listen(listen)
  } catch (cause) {
    throw new AutoshieldError('UNAVAILABLE', `cannot listen on ${listen.host}:${listen.port} (${AutoshieldError.from(cause).message}); choose another address with --control.`, { cause })
  }
  const address = app.server.address()
  onListening?.(typeof address === 'object' && address !== null ? address.port : listen.port)
  const stopped = Promise.withResolvers<undefined>()
  signal.addEventListener('abort', () => stopped.resolve(undefined), { once: true })
  if (!signal.aborted) await stopped.promise
  // Whoever has connected and asks for nothing would hold the closing for ever: Node counts it as busy, and looks at no time-out any more.
  const late = setTimeout(() => { for (const socket of sockets) socket.destroy() }, CLOSE_MS)
  await app.close()
  clearTimeout(late)
}
