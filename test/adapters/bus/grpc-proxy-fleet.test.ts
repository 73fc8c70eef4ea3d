import { pino } from 'pino'
import t, { type Test } from 'tap'
import { GrpcProxyFleet } from '../../../src/adapters/bus/grpc-proxy-fleet.ts'
import type { ProxyStatus } from '../../../src/ports/proxies.ts'
import { fixedCredentials } from '../../../src/wire/held-credentials.ts'
import { Listeners } from '../../../src/wire/listeners.ts'
import { connect } from '../../../src/wire/tls.ts'
import { Fleet } from '../../../xds/fleet.ts'
import { ProxyCalls } from '../../../xds/proxy-calls.ts'
import { CLUSTER, LISTENER } from '../../../xds/resource-type.ts'
import { XdsServer } from '../../../xds/server.ts'
import { identityOf, Root, TRUST_DOMAIN } from '../../certs/samples.ts'
import { DeltaClient } from '../../xds/delta-client.ts'
import { mitigationOf } from '../../xds/mitigation-of.ts'
import { until } from '../../xds/real-envoy.ts'

const root = new Root()
const VICTIM = { podUid: 'victim', inbound: { mode: 'redirect', port: 15_006 } } as const

/** An xDS server, as a replica is one; `stop` drains it. */
async function replica (t: Test, port = 0) {
  const fleet = new Fleet({ clock: { now: Date.now }, defaultInbound: VICTIM.inbound })
  fleet.setProxies([VICTIM])
  const server = new XdsServer({
    fleet,
    credentials: fixedCredentials(root.issue('xds')),
    trustDomain: TRUST_DOMAIN,
    listen: { host: '127.0.0.1', port },
    log: pino({ level: 'silent' }),
    calls: [new ProxyCalls({ fleet, mayWatch: ({ uid }) => uid === 'controller' })],
  })
  const stopping = new AbortController()
  const ran = server.run(stopping.signal)
  const stop = async (): Promise<void> => {
    stopping.abort()
    await ran
  }
  t.teardown(stop)
  const bound = await server.port
  return { fleet, port: bound, address: `127.0.0.1:${bound}`, stop }
}

/** The controller's view of servers that the test names. */
function follow (t: Test, addresses: readonly string[], uid = 'controller') {
  let servers = addresses
  const listeners = new Listeners()
  const troubles: string[] = []
  const told: ProxyStatus[] = []
  const fleet = new GrpcProxyFleet({
    servers: { list: () => servers, onChange: (listener) => listeners.add(listener) },
    credentials: fixedCredentials(root.issue(uid)),
    server: identityOf('xds'),
    random: () => 0,
    backoff: { baseMs: 10, maxMs: 100 },
    onDisconnect: ({ message }) => troubles.push(message),
  })
  fleet.onChange((status) => told.push(status))
  const stopping = new AbortController()
  const ran = fleet.run(stopping.signal)
  t.teardown(async () => {
    stopping.abort()
    await ran
  })
  const becomes = async (what: Partial<ProxyStatus>) => until(`${JSON.stringify(what)}: ${JSON.stringify(fleet.statuses())} ${troubles.join('; ')}`, () => {
    const [status] = fleet.statuses()
    return status !== undefined && Object.entries(what).every(([key, value]) => JSON.stringify(status[key as keyof ProxyStatus]) === JSON.stringify(value)) ? status : undefined
  })
  return { fleet, troubles, told, becomes, name: (...next: string[]) => { servers = next; listeners.call() } }
}

/** The victim's proxy, which takes everything that it is sent. */
function proxyAt (t: Test, address: string): DeltaClient {
  const client = new DeltaClient(connect(address, root.issue('victim'), { server: identityOf('xds') }))
  t.teardown(() => client[Symbol.dispose]())
  const take = async (): Promise<void> => {
    for (;;) client.ack(await client.next())
  }
  for (const typeUrl of [CLUSTER, LISTENER]) client.send({ typeUrl, node: { id: 'x' } })
  take().catch(() => undefined)
  return client
}

t.test('a controller hears from every server what its proxies have, as it changes', async (t) => {
  const [one, other] = [await replica(t), await replica(t)]
  const { fleet, becomes, told } = follow(t, [one.address, other.address])
  t.notOk(fleet.heard())
  t.same(fleet.statuses(), [])
  await becomes({ podUid: 'victim', connected: false, state: 'pending' })
  t.ok(fleet.heard())
  const client = proxyAt(t, other.address)
  await becomes({ connected: true, state: 'in-sync', mitigations: [] })
  for (const { fleet } of [one, other]) fleet.apply([mitigationOf('deny')])
  const { version } = await becomes({ connected: true, state: 'in-sync', mitigations: ['deny'] })
  t.match(await fleet.snapshot('victim'), { version, resources: { listeners: [{ name: 'inbound' }] } })
  t.equal(await fleet.snapshot('nobody'), null)
  t.ok(told.some(({ mitigations, state }) => mitigations.includes('deny') && state === 'in-sync'))

  client[Symbol.dispose]()
  await becomes({ connected: false })
  for (const { fleet } of [one, other]) {
    fleet.apply([])
    fleet.setProxies([])
  }
  await until('the pod is gone', () => fleet.statuses().length === 0 || undefined)
})

t.test('a server that ends takes nothing with it that another knows, and is heard again when it is back', async (t) => {
  const [one, other] = [await replica(t), await replica(t)]
  const { fleet, becomes, troubles } = follow(t, [one.address, other.address])
  proxyAt(t, one.address)
  await becomes({ connected: true, state: 'in-sync' })
  await one.stop()
  await becomes({ connected: false })
  proxyAt(t, other.address)
  await becomes({ connected: true, state: 'in-sync' })
  await other.stop()
  t.match(await becomes({ connected: false }), { state: 'in-sync', version: /./ }, 'the last words of the last one')
  await t.rejects(async () => fleet.snapshot('victim'), { code: 'UNAVAILABLE' })
  t.ok(fleet.heard())
  await until('it was told why', () => troubles.length > 1 || undefined)
  const again = await replica(t, one.port)
  proxyAt(t, again.address)
  await becomes({ connected: true, state: 'in-sync' })
})

t.test('servers come and go', async (t) => {
  const [one, other] = [await replica(t), await replica(t)]
  other.fleet.setProxies([{ ...VICTIM, podUid: 'elsewhere' }])
  const { fleet, name } = follow(t, [])
  name(one.address)
  const uids = async (...wanted: string[]) => until(`${wanted.join()}: ${JSON.stringify(fleet.statuses())}`, () => fleet.statuses().map(({ podUid }) => podUid).sort().join() === wanted.join() || undefined)
  await uids('victim')
  name(one.address, other.address)
  await uids('elsewhere', 'victim')
  name(other.address)
  await uids('elsewhere')
  name(other.address, one.address)
  await uids('elsewhere', 'victim')
})

t.test('nobody but a controller hears of other pods\' proxies, and nobody but an xDS server is believed', async (t) => {
  const server = await replica(t)
  const pod = follow(t, [server.address], 'victim')
  await until('it was refused', () => pod.troubles.find((message) => /UNTRUSTED|PERMISSION_DENIED/.test(message)))
  t.match(pod.troubles[0], /pod\/victim may not know of every proxy; controllers alone may/)
  t.notOk(pod.fleet.heard())
  const impostor = new XdsServer({ fleet: server.fleet, credentials: fixedCredentials(root.issue('victim')), trustDomain: TRUST_DOMAIN, listen: { host: '127.0.0.1', port: 0 }, log: pino({ level: 'silent' }), calls: [new ProxyCalls({ fleet: server.fleet, mayWatch: () => true })] })
  const stopping = new AbortController()
  const ran = impostor.run(stopping.signal)
  t.teardown(async () => {
    stopping.abort()
    await ran
  })
  const controller = follow(t, [`127.0.0.1:${await impostor.port}`])
  await until('it was found out', () => controller.troubles.find((message) => /pod\/victim and not .*pod\/xds/.test(message)), 10_000)
  t.notOk(controller.fleet.heard())
})
