import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { status, type Client, type ClientDuplexStream } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { ClientResourceStatus } from '../../src/wire/gen/xds/envoy/admin/v3/config_dump_shared_pb.js'
import { ListenerSchema } from '../../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import {
  ClientStatusDiscoveryService, ClientStatusRequestSchema, ConfigStatus, type ClientConfig, type ClientStatusRequest, type ClientStatusResponse,
} from '../../src/wire/gen/xds/envoy/service/status/v3/csds_pb.js'
import { methodOf } from '../../src/wire/method.ts'
import { connect } from '../../src/wire/tls.ts'
import { ClientStatusCalls } from '../../xds/client-status-calls.ts'
import { CLUSTER, LISTENER, ROUTE } from '../../xds/resource-type.ts'
import { DeltaClient } from './delta-client.ts'
import { Laboratory } from './laboratory.ts'
import { mitigationOf } from './mitigation-of.ts'
import { until } from './real-envoy.ts'

const { fetchClientStatus, streamClientStatus } = ClientStatusDiscoveryService.method

async function laboratory (): Promise<Laboratory> {
  return Laboratory.start({ calls: [new ClientStatusCalls({ mayWatch: ({ uid }) => uid === 'controller' })] })
}

function dial (t: Test, laboratory: Laboratory, uid = 'controller'): Client {
  const client = connect(`127.0.0.1:${laboratory.port}`, laboratory.credentials(uid))
  t.teardown(() => client.close())
  return client
}

async function fetch (client: Client, request: MessageInitShape<typeof ClientStatusRequestSchema> = {}): Promise<readonly ClientConfig[]> {
  const { path, requestSerialize, responseDeserialize } = methodOf(fetchClientStatus)
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, create(ClientStatusRequestSchema, request), (error, response) => {
      if (error !== null) reject(error)
      else resolve(response?.config ?? [])
    })
  })
}

/** A proxy driven by hand, which has taken its clusters and been sent its listener. */
async function proxy (t: Test, laboratory: Laboratory, uid: string) {
  const client = new DeltaClient(connect(`127.0.0.1:${laboratory.port}`, laboratory.credentials(uid)))
  t.teardown(() => client[Symbol.dispose]())
  client.send({ typeUrl: CLUSTER, node: { id: 'somebody else' } })
  client.ack(await client.next())
  client.send({ typeUrl: LISTENER })
  return { client, listener: await client.next() }
}

const show = (config: ClientConfig | undefined) => config?.genericXdsConfigs.map(({ typeUrl, name, configStatus, clientStatus }) => `${typeUrl.split('.').at(-1) ?? ''} ${name} ${ConfigStatus[configStatus]} ${ClientResourceStatus[clientStatus]}`)

t.test('of each client: who it is, what it was sent and what it answered', async (t) => {
  await using lab = await laboratory()
  const { client, listener } = await proxy(t, lab, 'victim')
  const controller = dial(t, lab)
  const ask = async () => {
    const [config, ...others] = await fetch(controller)
    t.equal(others.length, 0)
    return config
  }
  t.match(await ask(), { node: { id: 'pod/victim', cluster: 'test' } }, 'by its certificate')
  t.strictSame(show(await ask()), ['Cluster original-destination SYNCED ACKED', 'Listener inbound STALE REQUESTED'])
  client.ack(listener)
  client.send({ typeUrl: ROUTE, resourceNamesSubscribe: ['nothing'] })
  client.ack(await client.next())
  const [before] = (await ask())?.genericXdsConfigs.filter(({ typeUrl }) => typeUrl === LISTENER) ?? []
  t.strictSame(show(await ask()), ['Cluster original-destination SYNCED ACKED', 'Listener inbound SYNCED ACKED', 'RouteConfiguration nothing NOT_SENT DOES_NOT_EXIST'])

  lab.fleet.apply([mitigationOf('deny')])
  const changed = await client.next()
  t.match(show(await ask())?.[1], 'Listener inbound STALE ACKED')
  client.nack(changed, 'no such thing')
  client.ack(await client.next()) // put back on what it had
  const [refused] = (await ask())?.genericXdsConfigs.filter(({ typeUrl }) => typeUrl === LISTENER) ?? []
  t.match(refused, { versionInfo: before?.versionInfo, configStatus: ConfigStatus.SYNCED })
})

t.test('what is refused is an error, in the client\'s words, with the version and the resource that it refused', async (t) => {
  await using lab = await laboratory()
  const { client, listener } = await proxy(t, lab, 'victim')
  client.nack(listener, 'no such thing')
  await until('it was read', () => lab.fleet.status('victim')?.state === 'rejected' || undefined)
  const controller = dial(t, lab)
  const [config] = await fetch(controller)
  t.match(config?.genericXdsConfigs[1], {
    typeUrl: LISTENER,
    name: 'inbound',
    versionInfo: listener.resources[0]?.version,
    configStatus: ConfigStatus.ERROR,
    clientStatus: ClientResourceStatus.NACKED,
    errorState: { details: 'no such thing', versionInfo: listener.resources[0]?.version },
  })
})

t.test('resources are those that were sent, and can be left out', async (t) => {
  await using lab = await laboratory()
  const { listener } = await proxy(t, lab, 'victim')
  const controller = dial(t, lab)
  const contents = async (excludeResourceContents: boolean) => (await fetch(controller, { excludeResourceContents }))[0]?.genericXdsConfigs.map(({ xdsConfig }) => xdsConfig)
  const [, sent] = await contents(false) ?? []
  t.strictSame(sent, listener.resources[0]?.resource)
  t.match(fromBinary(ListenerSchema, sent?.value ?? new Uint8Array()), { name: 'inbound' })
  t.strictSame(await contents(true), [undefined, undefined])
})

t.test('of two streams of one pod the newest is told', async (t) => {
  await using lab = await laboratory()
  await proxy(t, lab, 'victim')
  const { client, listener } = await proxy(t, lab, 'victim')
  client.ack(listener)
  await until('it was read', () => lab.fleet.status('victim')?.state === 'in-sync' || undefined)
  const configs = await fetch(dial(t, lab))
  t.equal(configs.length, 1)
  t.match(show(configs[0])?.[1], 'Listener inbound SYNCED ACKED')
})

t.test('clients are named by node id, and a matcher that is not understood is an error that says which', async (t) => {
  await using lab = await laboratory()
  for (const uid of ['web-1', 'web-2', 'data']) await proxy(t, lab, uid)
  const controller = dial(t, lab)
  const ids = async (...nodeMatchers: NonNullable<MessageInitShape<typeof ClientStatusRequestSchema>['nodeMatchers']>) => (await fetch(controller, { nodeMatchers })).map(({ node }) => node?.id)
  t.strictSame(await ids(), ['pod/web-1', 'pod/web-2', 'pod/data'])
  t.strictSame(await ids({ nodeId: { matchPattern: { case: 'exact', value: 'pod/data' } } }), ['pod/data'])
  t.strictSame(await ids({ nodeId: { matchPattern: { case: 'prefix', value: 'pod/WEB' }, ignoreCase: true } }), ['pod/web-1', 'pod/web-2'])
  t.strictSame(await ids({ nodeId: { matchPattern: { case: 'suffix', value: '-2' } } }, { nodeId: { matchPattern: { case: 'contains', value: 'dat' } } }), ['pod/web-2', 'pod/data'], 'one is enough')
  t.strictSame(await ids({ nodeId: { matchPattern: { case: 'exact', value: 'web-1' } } }), [])
  await t.rejects(ids({}, { nodeMetadatas: [{}] }), { code: status.INVALID_ARGUMENT, details: /node_matchers\[1\]\.node_metadatas is not served/ })
  await t.rejects(ids({ nodeId: { matchPattern: { case: 'safeRegex', value: { regex: '.*' } } } }), { code: status.INVALID_ARGUMENT, details: /node_matchers\[0\]\.node_id\.safe_regex/ })
  await t.rejects(ids({ nodeId: {} }), { code: status.INVALID_ARGUMENT, details: /node_id says nothing/ })
})

t.test('a stream answers each request, and goes on until the client ends it', async (t) => {
  await using lab = await laboratory()
  const { client, listener } = await proxy(t, lab, 'victim')
  const { path, requestSerialize, responseDeserialize } = methodOf(streamClientStatus)
  const stream: ClientDuplexStream<ClientStatusRequest, ClientStatusResponse> = dial(t, lab).makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
  const answers = (stream as AsyncIterable<ClientStatusResponse>)[Symbol.asyncIterator]()
  const ask = async () => {
    stream.write(create(ClientStatusRequestSchema))
    const { value } = await answers.next() as { value: ClientStatusResponse }
    return show(value.config[0])?.[1]
  }
  t.equal(await ask(), 'Listener inbound STALE REQUESTED')
  client.ack(listener)
  await until('it was read', () => lab.fleet.status('victim')?.state === 'in-sync' || undefined)
  t.equal(await ask(), 'Listener inbound SYNCED ACKED')
  stream.end()
  t.match(await answers.next(), { done: true })
})

t.test('nobody but a controller is told', async (t) => {
  await using lab = await laboratory()
  const victim = dial(t, lab, 'victim')
  await t.rejects(fetch(victim), { code: status.PERMISSION_DENIED, details: /pod\/victim may not know of every proxy/ })
  const { path, requestSerialize, responseDeserialize } = methodOf(streamClientStatus)
  const stream = victim.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
  await t.rejects((stream as AsyncIterable<unknown>)[Symbol.asyncIterator]().next(), { code: status.PERMISSION_DENIED })
})

t.test('a server that is told to stop ends those who ask', async (t) => {
  await using lab = await laboratory()
  const { path, requestSerialize, responseDeserialize } = methodOf(streamClientStatus)
  const stream: ClientDuplexStream<ClientStatusRequest, ClientStatusResponse> = dial(t, lab).makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
  const answers = (stream as AsyncIterable<ClientStatusResponse>)[Symbol.asyncIterator]()
  stream.write(create(ClientStatusRequestSchema))
  t.match(await answers.next(), { value: { config: [] } })
  const ended = t.rejects(answers.next(), { code: status.UNAVAILABLE, details: /shutting down/ })
  await lab.stop()
  await ended
})
