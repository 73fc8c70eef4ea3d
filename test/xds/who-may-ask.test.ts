import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { status } from '@grpc/grpc-js'
import t from 'tap'
import { LEAF_LIFE_MS } from '../../certs/authority.ts'
import { skipWithout } from '../setup/tools.ts'
import { connect } from '../../src/wire/tls.ts'
import { LISTENER } from '../../xds/resource-type.ts'
import type { RefusalRecord } from '../../xds/refusal-log.ts'
import { DeltaClient } from './delta-client.ts'
import { explicitProxy, freePort, greeter, Laboratory, stay, visit } from './laboratory.ts'
import { mitigationOf } from './mitigation-of.ts'
import { becomes, ATTACKER, CLIENT } from './stage.ts'
import { envoyTool, onLoopback, RealEnvoy, until } from './real-envoy.ts'

const skip = skipWithout(envoyTool.missing === undefined ? [] : [envoyTool.missing])
t.setTimeout(120_000)

const PEER = '127.0.0.1'
const CONTROLLER = { trustDomain: 'xds.test', namespace: 'autoshield', uid: 'controller' }

/** A client that asks for its listeners. */
function ask (laboratory: Laboratory, credentials = laboratory.credentials('victim')): DeltaClient {
  const client = new DeltaClient(connect(`${PEER}:${laboratory.port}`, credentials))
  client.send({ typeUrl: LISTENER, node: { id: 'whatever' } })
  return client
}

/** A certificate that ends in `ms`. */
const endingIn = (laboratory: Laboratory, ms: number) => laboratory.credentials('victim', { issuedMs: Date.now() - LEAF_LIFE_MS + ms })

t.test('a stream ends with its certificate, and what is shown after its end opens none', async (t) => {
  const records: RefusalRecord[] = []
  await using laboratory = await Laboratory.start({ onRefusal: (record) => records.push(record) })
  using client = ask(laboratory, endingIn(laboratory, 3000))
  client.ack(await client.next())
  t.equal(laboratory.fleet.statuses()[0]?.connected, true)
  t.match(await client.ended, { code: status.UNAUTHENTICATED, details: /the certificate has ended: at 20/ })
  await until('it is gone', () => laboratory.fleet.statuses().length === 0 || undefined)
  using late = ask(laboratory, endingIn(laboratory, -1000))
  t.match(await late.ended, { code: status.UNAVAILABLE })
  await until('both are told', () => records.length === 2 || undefined)
  t.match(records, [
    { reason: 'Expired', peer: PEER, identity: 'spiffe://xds.test/ns/test/pod/victim', count: 1 },
    { reason: 'Expired', peer: PEER, identity: null, count: 1 },
  ])
})

t.test('who is revoked loses its open streams within a second or so and opens no new one; others are left alone', async (t) => {
  const revoked = new Map<string, string>()
  await using laboratory = await Laboratory.start({ revocations: { revoked: ({ uid }, serial) => revoked.get(uid) ?? revoked.get(serial) ?? null } })
  const stolen = laboratory.credentials('victim')
  using thief = ask(laboratory, stolen)
  using owner = ask(laboratory)
  using other = ask(laboratory, laboratory.credentials('other'))
  for (const client of [thief, owner, other]) client.ack(await client.next())

  revoked.set(new X509Certificate(stolen.certificate).serialNumber, 'stolen on Tuesday')
  t.match(await thief.ended, { code: status.PERMISSION_DENIED, details: 'the identity is revoked: stolen on Tuesday' })
  using again = ask(laboratory, stolen)
  t.match(await again.ended, { code: status.PERMISSION_DENIED, details: /stolen on Tuesday/ })
  laboratory.fleet.apply([mitigationOf('deny')])
  owner.ack(await owner.next())

  revoked.set('victim', 'the pod is gone')
  t.match(await owner.ended, { code: status.PERMISSION_DENIED, details: /the pod is gone/ })
  laboratory.fleet.apply([mitigationOf('deny', { victims: [{ uid: 'other', addresses: [] }] })])
  t.match(await other.next(), { typeUrl: LISTENER })
  t.equal(laboratory.server?.stats.refusals.get('Revoked'), 3)
})

t.test('a part of AutoShield is not taken for a pod, whatever node it claims to be', async (t) => {
  await using laboratory = await Laboratory.start({ roles: { controller: CONTROLLER } })
  using client = ask(laboratory, laboratory.credentials('controller', { namespace: 'autoshield' }))
  t.match(await client.ended, { code: status.PERMISSION_DENIED, details: /controller/ })
  using namesake = ask(laboratory, laboratory.credentials('controller'))
  t.match(await namesake.next(), { typeUrl: LISTENER }, 'a pod of another namespace with that uid is a pod')
})

t.test('who does not even speak TLS is counted', async (t) => {
  await using laboratory = await Laboratory.start()
  const socket = connectTcp(laboratory.port, PEER).on('error', () => undefined)
  socket.write('GET / HTTP/1.1\r\n\r\n')
  await until('it is counted', () => laboratory.server?.stats.refusals.get('HandshakeFailed') === 1 || undefined)
  socket.destroy()
})

t.test('who breaks a handshake off is told of by its address; who says nothing, as a probe of the port does, is not', async (t) => {
  const records: RefusalRecord[] = []
  await using laboratory = await Laboratory.start({ onRefusal: (record) => records.push(record) })
  const knock = async (words: string): Promise<void> => {
    const socket = connectTcp(laboratory.port, PEER)
    await once(socket, 'connect')
    socket.end(words)
    await once(socket.resume(), 'close')
  }
  await knock('')
  await knock('\x16\x03\x01\x02')
  await until('one is told of', () => records.length > 0 || undefined)
  await knock('')
  using client = ask(laboratory)
  await client.next()
  t.match(records, [{ reason: 'HandshakeFailed', peer: PEER, identity: null }])
  t.equal(records.length, 1)
})

t.test('names that a client says add up, in whatever way it says them, whether or not it ever answers', async (t) => {
  const names = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `name-${from + at}`)
  await using laboratory = await Laboratory.start()
  {
    using client = ask(laboratory) // everything, so that what it unsubscribes from it is to be told of
    await client.next()
    for (let round = 0; round < 3; round++) client.send({ typeUrl: LISTENER, resourceNamesUnsubscribe: names(4000, round * 4000) })
    t.match(await client.ended, { code: status.RESOURCE_EXHAUSTED, details: /more than 10000/ })
  }
  {
    using client = new DeltaClient(connect(`${PEER}:${laboratory.port}`, laboratory.credentials('victim')))
    client.send({ typeUrl: LISTENER, initialResourceVersions: Object.fromEntries(names(10_001).map((name) => [name, '1'])) })
    t.match(await client.ended, { code: status.RESOURCE_EXHAUSTED })
  }
  t.equal(laboratory.server?.stats.refusals.get('TooManyNames'), 2)
})

t.test('a client that floods is slowed down, and others are served meanwhile', async (t) => {
  await using laboratory = await Laboratory.start()
  let answered = 0
  const { fleet } = laboratory
  const answer = fleet.answered.bind(fleet)
  fleet.answered = (uid) => {
    if (uid === 'flood') answered++
    answer(uid)
  }
  using flood = ask(laboratory, laboratory.credentials('flood'))
  using good = ask(laboratory)
  good.ack(await good.next())
  for (let request = 0; request < 20_000; request++) flood.send({ typeUrl: LISTENER, responseNonce: 'stale' })
  await until('the flood is being read', () => answered > 100 || undefined)
  for (let change = 1; change <= 5; change++) {
    fleet.apply([mitigationOf('deny', { subject: { uid: 'a', addresses: [`10.0.0.${change}`] } })])
    good.ack(await good.next())
  }
  t.ok(answered < 5000, `${answered} of 20,000 were read meanwhile`)
})

t.test('of the streams of one pod the newest are served', async (t) => {
  await using laboratory = await Laboratory.start({ maxStreamsOfOne: 2 })
  const clients: DeltaClient[] = []
  for (let count = 0; count < 3; count++) {
    const client = ask(laboratory)
    clients.push(client)
    client.ack(await client.next())
  }
  t.match(await clients[0]?.ended, { code: status.RESOURCE_EXHAUSTED, details: /newer streams/ })
  laboratory.fleet.apply([mitigationOf('deny')])
  for (const client of clients.slice(1)) t.match(await client.next(), { typeUrl: LISTENER })
  for (const client of clients) client[Symbol.dispose]()
})

t.test('a connection that has served long enough is ended in good order: Envoy comes back, is sent nothing, and no request fails', { skip }, async (t) => {
  await using application = await greeter()
  await using laboratory = await Laboratory.start({ maxConnectionAgeMs: 2000 })
  const port = await freePort()
  laboratory.fleet.setProxies([explicitProxy('victim', [{ listen: { address: PEER, port }, upstream: { address: PEER, port: application.port } }])])
  laboratory.fleet.apply([mitigationOf('deny')])
  await using envoy = await RealEnvoy.start({ podUid: 'victim', xds: onLoopback(laboratory.port), credentials: laboratory.credentials('victim') })
  await until('it is in sync', () => laboratory.fleet.statuses().find(({ state }) => state === 'in-sync'))
  await becomes(ATTACKER, port, 'refused')
  using friend = await stay(CLIENT, port)
  const pushes = () => Promise.all(['listener_manager.lds.update_success', 'cluster_manager.cds.update_success', 'listener_manager.listener_modified', 'listener_manager.listener_in_place_updated'].map((name) => envoy.stat(name)))
  const connections = () => envoy.stat('cluster.autoshield-xds.upstream_cx_total')
  const [before, first] = [await pushes(), await connections()]

  await until('it has come back three times', async () => {
    if (await visit(CLIENT, port) !== 'served' || await friend.echo('x') !== 'x') throw new Error('a request failed')
    return await connections() >= first + 3 || undefined
  }, 60_000)
  await until('it is in sync again', () => laboratory.fleet.statuses().find(({ connected, state }) => connected && state === 'in-sync'))
  t.equal(await visit(ATTACKER, port), 'refused')
  const after = await pushes()
  t.same(after.slice(2), before.slice(2), 'no listener was touched')
  t.equal(await envoy.stat('cluster.autoshield-xds.upstream_cx_destroy_remote_with_active_rq'), 0, 'no stream was broken off')
  t.equal(laboratory.server?.stats.refused, 0)
})

t.test('Envoy whose certificate was renewed comes back with the new one when the old one ends', { skip }, async (t) => {
  await using laboratory = await Laboratory.start()
  await using envoy = await RealEnvoy.start({ podUid: 'victim', xds: onLoopback(laboratory.port), credentials: endingIn(laboratory, 8000) })
  const connected = () => laboratory.fleet.statuses().find((status) => status.connected)
  await until('it is connected', connected)
  await envoy.renew(laboratory.credentials('victim'))
  await until('the old certificate has ended', () => laboratory.server?.stats.refusals.get('Expired') === 1 || undefined, 30_000)
  await until('it is back', connected)
  t.ok(await envoy.stat('cluster.autoshield-xds.upstream_cx_total') > 1)
  t.same(laboratory.server?.stats.refusals, new Map([['Expired', 1]]))
})
