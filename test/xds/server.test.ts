import { once } from 'node:events'
import { connect as connectHttp2, constants } from 'node:http2'
import { ChannelCredentials, Client, status } from '@grpc/grpc-js'
import { pino } from 'pino'
import t from 'tap'
import { AutoshieldError } from '../../src/core/errors.ts'
import { fixedCredentials } from '../../src/wire/held-credentials.ts'
import { connect } from '../../src/wire/tls.ts'
import { CLUSTER, LISTENER } from '../../xds/resource-type.ts'
import { XdsServer } from '../../xds/server.ts'
import { DeltaClient, GARBAGE } from './delta-client.ts'
import { Laboratory } from './laboratory.ts'
import { mitigationOf } from './mitigation-of.ts'
import { until } from './real-envoy.ts'

/** A client of the pod `uid` that has taken its clusters and its first listeners. */
async function join (laboratory: Laboratory, uid: string): Promise<DeltaClient> {
  const client = new DeltaClient(connect(`127.0.0.1:${laboratory.port}`, laboratory.credentials(uid)))
  for (const typeUrl of [CLUSTER, LISTENER]) {
    client.send({ typeUrl, node: { id: 'whatever' } })
    client.ack(await client.next())
  }
  return client
}

const stateOf = ({ fleet }: Laboratory, uid = 'victim') => fleet.statuses().find(({ podUid }) => podUid === uid)
const settled = (laboratory: Laboratory, state: string) => until(state, () => stateOf(laboratory)?.state === state ? stateOf(laboratory) : undefined)

t.test('a proxy that does not answer holds one response, and then gets the newest state at once', async (t) => {
  await using laboratory = await Laboratory.start()
  using client = await join(laboratory, 'victim')
  await settled(laboratory, 'in-sync')
  for (let last = 1; last <= 50; last++) laboratory.fleet.apply([mitigationOf('deny', { subject: { uid: 'a', addresses: [`10.0.0.${last}`] } })])
  const first = await client.next()
  client.ack(first)
  const second = await client.next()
  t.same(second.resources.map(({ version }) => version), [...laboratory.fleet.current('victim').types.get(LISTENER)?.resources.values() ?? []].map(({ version }) => version))
  t.equal(stateOf(laboratory)?.state, 'pending')
  client.ack(second)
  await settled(laboratory, 'in-sync')
  t.same(client.responses, [], 'two responses for fifty changes')
})

t.test('the status says what the proxy answered: pending, refused in its words, in sync', async (t) => {
  await using laboratory = await Laboratory.start()
  const told: string[] = []
  using stack = new DisposableStack()
  stack.use(laboratory.fleet.onChange(({ state }) => told.push(state)))
  using client = await join(laboratory, 'victim')
  await settled(laboratory, 'in-sync')
  laboratory.fleet.apply([mitigationOf('deny')])
  const words = 'Error adding/updating listener(s) inbound: no'
  client.nack(await client.next(), words)
  client.ack(await client.next()) // what it had before
  t.match(await settled(laboratory, 'in-sync'), { connected: true, message: '', mitigations: [], refused: [{ mitigation: 'deny', message: words }] })
  laboratory.fleet.apply([mitigationOf('deny', { ports: [22] })])
  client.nack(await client.next(), words)
  client.nack(await client.next(), words)
  client.nack(await client.next(), words)
  t.match(await settled(laboratory, 'rejected'), { connected: true, message: words, mitigations: ['deny'], refused: [] }, 'it refuses everything')
  client[Symbol.dispose]()
  await until('it is gone', () => stateOf(laboratory) === undefined ? true : undefined)
  t.same([...new Set(told)], ['pending', 'in-sync', 'rejected'])
})

t.test('of two streams of one pod the newest says what its proxy has, and both are served', async (t) => {
  await using laboratory = await Laboratory.start()
  using old = await join(laboratory, 'victim')
  using young = await join(laboratory, 'victim')
  laboratory.fleet.apply([mitigationOf('deny')])
  const answered = Promise.withResolvers<undefined>()
  const { fleet } = laboratory
  const answer = fleet.answered.bind(fleet)
  fleet.answered = (uid) => {
    answer(uid)
    answered.resolve(undefined)
  }
  old.nack(await old.next(), 'not any more')
  await answered.promise
  t.match(stateOf(laboratory), { state: 'pending', message: /has not yet taken/ })
  young.ack(await young.next())
  await settled(laboratory, 'in-sync')
  old[Symbol.dispose]()
  await until('the old one is gone', () => laboratory.server?.stats.streams === 1 || undefined)
  t.match(stateOf(laboratory), { connected: true, state: 'in-sync', mitigations: ['deny'] })
})

t.test('a client that is wrong is told so and hurts nobody else', async (t) => {
  await using laboratory = await Laboratory.start()
  using good = await join(laboratory, 'victim')
  const stranger = () => connect(`127.0.0.1:${laboratory.port}`, laboratory.credentials('stranger'))
  {
    using garbage = new DeltaClient(stranger(), GARBAGE)
    garbage.send({ typeUrl: LISTENER })
    t.match(await garbage.ended, { code: status.INVALID_ARGUMENT, details: /not a discovery request/ })
  }
  {
    using odd = new DeltaClient(stranger())
    odd.send({ typeUrl: 'type.googleapis.com/some.Thing' })
    t.match(await odd.ended, { code: status.INVALID_ARGUMENT, details: /some\.Thing/ })
  }
  {
    using greedy = new DeltaClient(stranger())
    greedy.send({ typeUrl: LISTENER, resourceNamesSubscribe: Array.from({ length: 10_001 }, (_, index) => String(index)) })
    t.match(await greedy.ended, { code: status.RESOURCE_EXHAUSTED })
  }
  laboratory.fleet.apply([mitigationOf('deny')])
  t.match(await good.next(), { typeUrl: LISTENER })
})

t.test('who cannot prove to be a pod of ours gets nothing', async (t) => {
  await using laboratory = await Laboratory.start()
  const target = `127.0.0.1:${laboratory.port}`
  const { authorities } = laboratory.credentials('victim')
  using unknown = new DeltaClient(connect(target, { ...new Laboratory().credentials('victim'), authorities })) // of another CA
  unknown.send({ typeUrl: LISTENER })
  t.match(await unknown.ended, { code: status.UNAVAILABLE })
  using silent = new DeltaClient(new Client(target, ChannelCredentials.createSsl(Buffer.from(authorities)), { 'grpc.ssl_target_name_override': 'xds.test' }))
  silent.send({ typeUrl: LISTENER })
  t.match(await silent.ended, { code: status.UNAVAILABLE })
  using foreign = new DeltaClient(connect(target, laboratory.credentials('victim', { domain: 'elsewhere.test' })))
  foreign.send({ typeUrl: LISTENER })
  t.match(await foreign.ended, { code: status.PERMISSION_DENIED, details: /names a pod of another trust domain: elsewhere\.test/ })
  t.same(laboratory.fleet.statuses(), [])
  t.same(laboratory.server?.stats.refusals, new Map([['UnknownAuthority', 1], ['NoCertificate', 1], ['WrongTrustDomain', 1]]))
})

t.test('streams are bounded, and the one too many is told to try again', async (t) => {
  await using laboratory = await Laboratory.start({ maxStreams: 1 })
  using one = await join(laboratory, 'victim')
  using other = new DeltaClient(connect(`127.0.0.1:${laboratory.port}`, laboratory.credentials('other')))
  t.match(await other.ended, { code: status.RESOURCE_EXHAUSTED })
  laboratory.fleet.apply([mitigationOf('deny')])
  one.ack(await one.next())
  await settled(laboratory, 'in-sync')
})

t.test('shutting down ends the streams in good order', async (t) => {
  await using laboratory = await Laboratory.start()
  using client = await join(laboratory, 'victim')
  await laboratory.stop()
  t.match(await client.ended, { code: status.OK })
})

t.test('shutting down waits two seconds for whoever does not let go, and no longer', async (t) => {
  await using laboratory = await Laboratory.start()
  const { certificate, key, authorities } = laboratory.credentials('victim')
  const session = connectHttp2(`https://127.0.0.1:${laboratory.port}`, { cert: certificate, key, ca: authorities, servername: 'xds.test' })
  t.teardown(() => session.destroy())
  const stubborn = session.request({ ':method': 'POST', ':path': '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources', 'content-type': 'application/grpc', te: 'trailers' })
  stubborn.on('error', () => undefined)
  await until('it is served', () => laboratory.server?.stats.streams === 1 || undefined)
  const told = once(session, 'goaway')
  const closed = new Promise((resolve) => session.on('error', () => undefined).once('close', resolve))
  await laboratory.stop()
  t.match(await told, [constants.NGHTTP2_NO_ERROR], 'it was asked to go')
  await closed
})

t.test('a port that is taken is said plainly', async (t) => {
  await using laboratory = await Laboratory.start()
  const second = new XdsServer({
    fleet: laboratory.newFleet(), credentials: fixedCredentials(laboratory.credentials('xds')), trustDomain: 'xds.test', listen: { host: '127.0.0.1', port: laboratory.port }, log: pino({ level: 'silent' }),
  })
  const error = await second.run(AbortSignal.timeout(10_000)).then(() => null, (thrown: unknown) => AutoshieldError.from(thrown))
  t.match(error, { code: 'UNAVAILABLE', message: new RegExp(`127\\.0\\.0\\.1:${laboratory.port}`) })
  await t.rejects(second.port)
})
