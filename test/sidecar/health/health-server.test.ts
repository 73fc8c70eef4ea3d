import { once } from 'node:events'
import { createServer, request, type IncomingMessage } from 'node:http'
import { createConnection, type AddressInfo, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { HealthServer, type HealthServerOptions } from '../../../sidecar/health/health-server.ts'
import type { ObserverReport } from '../../../sidecar/health/observer-report.ts'

const REPORT: ObserverReport = {
  watching: 'sockdiag', trouble: 'packets are refused', connected: false, acknowledgedMs: 10_000, waiting: 3, packets: 12, flows: 4, windows: 9, droppedPackets: 1, droppedWindows: 2, proxyLog: 'open', malformedEntries: 0, foreignEntries: 5, droppedCounts: 0,
}

async function serve (t: Test, options: Partial<HealthServerOptions> = {}): Promise<{ port: number }> {
  const ending = new AbortController()
  const listening = Promise.withResolvers<number>()
  const running = new HealthServer({ host: '127.0.0.1', port: 0, report: () => REPORT, nowMs: () => 12_500, onListening: listening.resolve, ...options }).run(ending.signal)
  t.teardown(async () => {
    ending.abort()
    await running
  })
  return { port: await listening.promise }
}

async function get (port: number, path: string, method = 'GET', localAddress = '127.0.0.1'): Promise<{ status: number | undefined, text: string }> {
  const call = request({ host: '127.0.0.1', port, path, method, localAddress, agent: false }).end()
  const [response] = await once(call, 'response') as [IncomingMessage]
  return { status: response.statusCode, text: Buffer.concat(await response.toArray() as Buffer[]).toString() }
}

t.test('an observer whose detector is away is alive all the same', async (t) => {
  const { port } = await serve(t)
  t.match(await get(port, '/healthz'), { status: 200, text: 'ok\n' })
})

t.test('readiness says what watches, and what does not', async (t) => {
  const watching = await serve(t)
  const { status, text } = await get(watching.port, '/readyz')
  t.equal(status, 200)
  t.same(JSON.parse(text), REPORT)
  const blind = await serve(t, { report: () => ({ ...REPORT, watching: null }) })
  t.match(await get(blind.port, '/readyz'), { status: 503 })
})

t.test('metrics are what the observer reports at the time of the scrape', async (t) => {
  let packets = 12
  const { port } = await serve(t, { report: () => ({ ...REPORT, packets }) })
  const { text } = await get(port, '/metrics')
  for (const line of [
    'autoshield_observer_packets_total 12', 'autoshield_observer_flows_total 4', 'autoshield_observer_windows_total 9', 'autoshield_observer_dropped_packets_total 1',
    'autoshield_observer_dropped_windows_total 2', 'autoshield_observer_waiting_windows 3', 'autoshield_observer_connected 0', 'autoshield_observer_last_ack_age_seconds 2.5',
    'autoshield_observer_proxy_log 1',
    'autoshield_observer_source{source="sockdiag"} 1',
  ]) t.match(text, `${line}\n`)
  packets = 13
  t.match((await get(port, '/metrics')).text, 'autoshield_observer_packets_total 13\n')
})

t.test('other paths and methods are answered, and change nothing', async (t) => {
  const { port } = await serve(t)
  t.match(await get(port, '/'), { status: 404 })
  t.match(await get(port, '/healthz', 'POST'), { status: 405 })
})

t.test('a port that is taken is said, tried again and taken when it is free', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const refused: string[] = []
  const { port: taken } = await serve(t, {
    port,
    retryMs: 1,
    onRefused: ({ message }) => {
      refused.push(message)
      other.close()
    },
  })
  t.equal(taken, port)
  t.match(refused[0], /EADDRINUSE/)
})

function speaker (t: Test, port: number, words = ''): Socket {
  const socket = createConnection({ host: '127.0.0.1', port }).on('error', () => undefined).resume()
  t.teardown(() => socket.destroy())
  socket.write(words)
  return socket
}

t.test('one address that holds every place keeps no probe out', async (t) => {
  let dropped = 0
  const { port } = await serve(t, { onDropped: () => dropped++ })
  const held = Array.from({ length: 16 }, () => speaker(t, port))
  await Promise.all(held.map(async (socket) => once(socket, 'connect')))
  t.match(await get(port, '/healthz', 'GET', '127.0.0.2'), { status: 200 }, 'another address')
  t.match(await get(port, '/healthz'), { status: 200 }, 'and the same')
  t.ok(dropped > 0, 'and it is told')
})

t.test('whoever says nothing, or nothing more, is let go within seconds', async (t) => {
  const { port } = await serve(t)
  const startedMs = performance.now()
  const sent = ['', 'GET /healthz HTTP/1.1\r\nhost: x\r\nslow: ', 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n']
  await Promise.all(sent.map(async (words) => once(speaker(t, port, words), 'close')))
  t.ok(performance.now() - startedMs < 8_000, `after ${Math.round(performance.now() - startedMs)} ms`)
})
