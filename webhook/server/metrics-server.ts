import fastify from 'fastify'
import type { Registry } from 'prom-client'
import { AutoshieldError } from '../../src/core/errors.ts'
import { portOf } from './port-of.ts'

/** `GET /metrics`, in plain HTTP as Prometheus asks for it, until the signal aborts. Throws UNAVAILABLE where the address cannot be bound. */
export async function serveMetrics (registry: Registry, listen: { readonly host: string, readonly port: number }, signal: AbortSignal, onListening?: (port: number) => void): Promise<void> {
  const app = fastify({ requestTimeout: 5_000, keepAliveTimeout: 30_000, bodyLimit: 1_024, forceCloseConnections: true, exposeHeadRoutes: false })
  app.server.maxConnections = 64
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  const aborted = Promise.withResolvers<undefined>()
  signal.addEventListener('abort', () => aborted.resolve(undefined), { once: true })
  try {
    await app.listen({ host: listen.host, port: listen.port })
  } catch (cause) {
    throw new AutoshieldError('UNAVAILABLE', `metrics cannot be served on ${listen.host}:${listen.port} (${AutoshieldError.from(cause).message}); choose another address with --metrics.`, { cause })
  }
  onListening?.(portOf(app.server) ?? listen.port)
  if (!signal.aborted) await aborted.promise
  await app.close()
}
