import { once } from 'node:events'
import { Agent, createServer, request, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { freePort, Laboratory } from './laboratory.ts'
import { onLoopback, RealEnvoy, until } from './real-envoy.ts'

/** An application of HTTP/1.1 that tells what it was asked, as it came. */
export async function teller () {
  const server = createServer((call, answer) => {
    answer.setHeader('Server', 'teller')
    answer.end(JSON.stringify({ method: call.method, url: call.url, headers: call.rawHeaders }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A pod whose port is declared to speak HTTP, behind a real Envoy. */
export async function httpStage (upstream: number) {
  const stack = new AsyncDisposableStack()
  const laboratory = stack.use(await Laboratory.start())
  const port = await freePort()
  laboratory.fleet.setProxies([{
    podUid: 'victim', inbound: { mode: 'explicit', ports: [{ listen: { address: '127.0.0.1', port }, upstream: { address: '127.0.0.1', port: upstream } }] }, httpPorts: [upstream],
  }])
  const envoy = stack.use(await RealEnvoy.start({ podUid: 'victim', xds: onLoopback(laboratory.port), credentials: laboratory.credentials('victim') }))
  const { fleet } = laboratory
  const settled = (what: string) => until(`${what}: ${JSON.stringify(fleet.statuses())}\n${envoy.stderr}`, () => fleet.statuses().find(({ state }) => state !== 'pending'))
  await until(`Envoy takes its configuration: ${envoy.stderr}`, () => fleet.statuses().find(({ state }) => state === 'in-sync'))
  return { fleet, envoy, port, settled, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

export interface Answer { readonly status: number, readonly headers: IncomingHttpHeaders, readonly body: string }

/** A client of HTTP/1.1 that keeps its connection; `null` where it is closed without an answer. */
export function httpClient (from: string, port: number) {
  return httpOver(new Agent({ keepAlive: true, maxSockets: 1, localAddress: from }), port)
}

/** The same on the connections that an agent makes. */
export function httpOver (agent: Agent, port: number) {
  return {
    ask: (path = '/', headers: readonly string[] = []): Promise<Answer | null> => new Promise((resolve, reject) => {
      const call = request({ host: '127.0.0.1', port, path, agent, headers: ['Host', 'shop.test', ...headers] })
      call.on('error', (error: NodeJS.ErrnoException) => error.code === 'ECONNRESET' ? resolve(null) : reject(error))
      call.on('response', (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => { body += text }).on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body })).on('error', () => resolve(null))
      })
      call.end()
    }),
    [Symbol.dispose]: () => agent.destroy(),
  }
}
