import fastify, { LogController, type FastifyBaseLogger } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { Api } from './context.ts'
import { judge, SECURITY_HEADERS } from './guard.ts'
import { toErrorAnswer } from './http-error.ts'
import { requestValidator } from './request-validation.ts'

export interface ServerOptions {
  readonly log: FastifyBaseLogger
  /** Host names, beside localhost and literal addresses, under which this console may be called. */
  readonly allowedHosts: ReadonlySet<string>
}

/** The longest body of the API is a reason of 500 characters. */
const BODY_LIMIT_BYTES = 8 * 1024
const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE'] as const

/** A bare server with what every listener shares: the guard, the headers, one error shape, bounds. */
export function createServer ({ log, allowedHosts }: ServerOptions): Api {
  const app: Api = fastify({
    loggerInstance: log,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: 10_000,
    pluginTimeout: 0, // on a starved node reading the pages of the API takes more than the ten seconds after which a leader would give up
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 16_384 }, // the schemas bound names; Node bounds the whole request line
    logController: new LogController({ disableRequestLogging: true }), // the metrics count requests; a line for each would drown the loop's own
    frameworkErrors: (error, _request, reply) => {
      const { status, body } = toErrorAnswer(error)
      reply.hijack()
      reply.raw.writeHead(status, { ...SECURITY_HEADERS, 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body))
    },
    clientErrorHandler: (_error, socket) => {
      const body = JSON.stringify({ code: 'USAGE', message: 'The request is not HTTP/1.1 as it should be.' })
      if (socket.writable) socket.end(`HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
    },
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.server.maxConnections = 512
  app.removeContentTypeParser('text/plain') // what a foreign form can send without a preflight must not reach a handler
  app.setValidatorCompiler(requestValidator)
  app.setSerializerCompiler(() => (data) => JSON.stringify(data)) // the stores hand out parsed objects; nothing is to be dropped or coerced

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS)
    const verdict = judge(request.method, request.headers, allowedHosts)
    if (!verdict.allowed) await reply.code(403).send({ code: 'UNTRUSTED', message: verdict.message })
  })
  app.setErrorHandler((error, request, reply) => {
    const { status, body } = toErrorAnswer(error)
    if (status >= 500) request.log.error({ err: error }, 'request failed')
    return reply.code(status).type('application/json; charset=utf-8').send(body)
  })
  app.setNotFoundHandler((request, reply) => reply.code(404).send({
    code: 'NOT_FOUND', message: `There is nothing at ${request.method} ${request.url.slice(0, 200)}; /docs on the API's port lists what there is.`,
  }))
  return app
}

/** Adds routes, and for each of their paths a 405 with `Allow` for every method that it does not know. */
export function addRoutes (app: Api, add: (app: Api) => void): void {
  const known = new Map<string, Set<string>>()
  let adding = true
  app.addHook('onRoute', ({ url, method }) => {
    if (adding) known.set(url, new Set([...known.get(url) ?? [], ...[method].flat()]))
  })
  add(app)
  adding = false
  for (const [url, methods] of known) {
    const allow = [...methods].sort().join(', ')
    app.route({
      method: METHODS.filter((name) => !methods.has(name)),
      url: url.slice(app.prefix.length),
      schema: { hide: true },
      // Before the body is looked at, whose own faults would otherwise be answered first.
      onRequest: (request, reply) => {
        reply.code(405).header('allow', allow).send({ code: 'USAGE', message: `${request.method} is not possible here; ${allow} is.` })
      },
      handler: () => {},
    })
  }
}
