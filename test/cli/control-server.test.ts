import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, get } from 'node:https'
import { createConnection, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import pino from 'pino'
import t, { type Test } from 'tap'
import { serveControl, type ControlServerOptions } from '../../src/cli/control-server.ts'
import { fixedCredentials } from '../../src/wire/held-credentials.ts'
import { Root, TestClock } from '../certs/samples.ts'

interface Control { readonly port: number, readonly ca: string, readonly stop: () => Promise<void>, readonly healthz: (from: string, agent?: Agent) => Promise<string> }

async function control (t: Test, options: Partial<ControlServerOptions> = {}): Promise<Control> {
  const root = new Root()
  const ca = root.authority.bundle
  const ending = new AbortController()
  const listening = Promise.withResolvers<number>()
  const running = serveControl({
    listen: { host: '0.0.0.0', port: 0 },
    credentials: fixedCredentials(root.issue('controller', { ip: ['127.0.0.1'] })),
    clock: new TestClock(),
    log: pino({ level: 'silent' }),
    routes: [],
    onListening: listening.resolve,
    ...options,
  }, ending.signal)
  const stop = async (): Promise<void> => {
    ending.abort()
    await running
  }
  t.teardown(stop)
  const port = await listening.promise
  const healthz = async (localAddress: string, agent: Agent | false = false): Promise<string> => {
    const call = get({ host: '127.0.0.1', port, path: '/healthz', ca, localAddress, agent })
    const [response] = await once(call, 'response') as [IncomingMessage]
    return `${response.statusCode} ${response.headers.connection} ${await text(response)}`
  }
  return { port, ca, stop, healthz }
}

/** Connected by TCP alone. */
async function idle (t: Test, port: number, localAddress: string): Promise<Socket> {
  const socket = createConnection({ host: '127.0.0.1', port, localAddress }).on('error', () => undefined).resume()
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

t.test('one address that holds every place keeps nobody out', async (t) => {
  const { port, healthz } = await control(t, { connections: { most: 8, mostOfOne: 8 } })
  const held: Socket[] = []
  for (let opened = 0; opened < 8; opened++) held.push(await idle(t, port, '127.0.0.1'))
  t.match(await healthz('127.0.0.2'), /^200 .*"ok"/, 'another address')
  t.match(await healthz('127.0.0.1'), /^200 .*"ok"/, 'and the same')
  t.ok(held.some(({ destroyed }) => !destroyed))
})

t.test('one address may not hold every place', async (t) => {
  const { port, healthz } = await control(t, { connections: { most: 8, mostOfOne: 2 } })
  const [first] = [await idle(t, port, '127.0.0.1'), await idle(t, port, '127.0.0.1'), await idle(t, port, '127.0.0.1')]
  if (!first.closed) await once(first, 'close')
  t.match(await healthz('127.0.0.2'), /^200/)
})

t.test('whoever says nothing, or nothing more, is let go within seconds', async (t) => {
  const { port, ca } = await control(t)
  const startedMs = performance.now()
  const sent = ['', 'GET /healthz HTTP/1.1\r\nhost: x\r\nslow: ', 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n']
  await Promise.all(sent.map(async (words) => {
    const socket = connect({ host: '127.0.0.1', port, ca }).on('error', () => undefined).resume()
    t.teardown(() => socket.destroy())
    socket.write(words)
    await once(socket, 'close')
  }))
  t.ok(performance.now() - startedMs < 12_000, `after ${Math.round(performance.now() - startedMs)} ms`)
})

t.test('nobody who is connected keeps it from stopping: a follower could not take over', { timeout: 10_000 }, async (t) => {
  const { port, ca, stop } = await control(t)
  await idle(t, port, '127.0.0.1')
  for (const words of ['', 'GET /healthz HTTP/1.1\r\nhost: x\r\nslow: ']) {
    const socket = connect({ host: '127.0.0.1', port, ca }).on('error', () => undefined).resume()
    t.teardown(() => socket.destroy())
    await once(socket, 'secureConnect')
    socket.write(words)
  }
  await stop()
})

t.test('a lively connection ends as well', async (t) => {
  const { healthz } = await control(t)
  using agent = Object.assign(new Agent({ keepAlive: true, maxSockets: 1 }), { [Symbol.dispose] () { agent.destroy() } })
  const answers: string[] = []
  for (let call = 0; call < 100; call++) answers.push(await healthz('127.0.0.1', agent))
  t.match(answers[98], /^200 keep-alive/)
  t.match(answers[99], /^200 close/)
  t.match(await healthz('127.0.0.1', agent), /^200 keep-alive/, 'and the next one is opened')
})
