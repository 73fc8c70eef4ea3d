import { once } from 'node:events'
import { connect, createServer, type ClientHttp2Session, type ClientHttp2Stream, type ServerHttp2Session } from 'node:http2'
import t from 'tap'
import type { PodSockets } from '../../lab/pod-sockets.ts'
import { until } from '../../xds/real-envoy.ts'
import { shieldedPod, skipShielded } from './shielded-pod.ts'

t.setTimeout(240_000)

const PORT = 8080
const STREAMS = 200
/** Nothing is refilled while a test runs. */
const BURST = 3

/** One connection of HTTP/2, and whether anybody asked it to end. */
async function session (sockets: PodSockets, host: string): Promise<{ http2: ClientHttp2Session, ended: () => boolean }> {
  const socket = await sockets.connect(host, PORT)
  const http2 = connect(`http://${host}:${PORT}`, { createConnection: () => socket })
  let ended = false
  http2.on('goaway', () => { ended = true }).on('close', () => { ended = true }).on('error', () => { ended = true })
  return { http2, ended: () => ended }
}

const statusOf = async (stream: ClientHttp2Stream): Promise<number | undefined> => (await once(stream, 'response') as [{ ':status'?: number }])[0][':status']

/** So many requests at once; how many of them each status answered. */
async function atOnce (http2: ClientHttp2Session, count: number): Promise<Record<number, number>> {
  const statuses = await Promise.all(Array.from({ length: count }, async () => {
    const stream = http2.request({ ':path': '/' })
    const status = await statusOf(stream)
    stream.resume()
    await once(stream, 'end')
    return status ?? 0
  }))
  return Object.fromEntries(Object.entries(Object.groupBy(statuses, (status) => status)).map(([status, of]) => [status, of?.length ?? 0]))
}

/** A stream that stays open and says again what it is told. */
async function echo (http2: ClientHttp2Session): Promise<(word: string) => Promise<string>> {
  const stream = http2.request({ ':path': '/echo', ':method': 'POST' }).setEncoding('utf8')
  await statusOf(stream)
  return async (word) => {
    stream.write(word)
    return String((await once(stream, 'data'))[0])
  }
}

t.test('of one connection with many streams each request counts, and another keeps its streams whatever becomes of others', { skip: skipShielded() }, async (t) => {
  const { victim, scanner, sockets, hold, restriction } = await shieldedPod(t, { httpPorts: [PORT] })
  const server = createServer()
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (each) => sessions.add(each)).on('stream', (stream, headers) => {
    stream.on('error', () => undefined).respond({ ':status': 200 })
    if (headers[':path'] === '/echo') stream.pipe(stream)
    else stream.end('page')
  })
  const ear = await sockets.victim.listen(PORT)
  ear.on('connection', (socket) => server.emit('connection', socket))
  const friend = await session(sockets.client, victim.address)
  const attacker = await session(sockets.scanner, victim.address)
  t.teardown(() => { for (const each of [friend.http2, attacker.http2, ...sessions]) each.destroy() })

  const talks = await Promise.all(Array.from({ length: STREAMS }, () => echo(friend.http2)))
  const talk = async (word: string): Promise<void> => {
    t.same(new Set(await Promise.all(talks.map((say) => say(word)))), new Set([word]), `all of ${STREAMS} open streams: ${word}`)
    t.same(await atOnce(friend.http2, STREAMS), { 200: STREAMS }, 'and as many beside them')
    t.equal(friend.ended(), false, 'nobody asks it to end')
  }
  await talk('before')
  t.same(await atOnce(attacker.http2, STREAMS), { 200: STREAMS })

  const limit = restriction('guesser', [scanner.address], { action: 'limit', limit: { value: 0.001, unit: 'requests/s', burst: BURST }, ports: [PORT] })
  await hold(limit)
  await until('the connection that was open is limited', async () => 429 in await atOnce(attacker.http2, 1) || undefined)
  t.same(await atOnce(attacker.http2, STREAMS), { 429: STREAMS }, 'each of its requests')
  const fresh = await until('a new one has the burst', async () => {
    const { http2 } = await session(sockets.scanner, victim.address)
    const answers = await atOnce(http2, STREAMS)
    http2.destroy()
    return 200 in answers ? answers : undefined
  })
  t.same(fresh, { 200: BURST, 429: STREAMS - BURST }, 'and no more, on however many streams')
  await talk('while another is limited')

  await hold(limit, restriction('scanner', [scanner.address], { ports: [PORT] }))
  await until('the open connection is denied', async () => 403 in await atOnce(attacker.http2, 1) || undefined)
  t.same(await atOnce(attacker.http2, STREAMS), { 403: STREAMS })
  await talk('while another is denied')
  await hold()
  await until('it is served again', async () => 200 in await atOnce(attacker.http2, 1) || undefined)
  await talk('afterwards')
  t.equal(attacker.ended(), false)
})
