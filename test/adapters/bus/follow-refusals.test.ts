import { pino } from 'pino'
import t, { type Test } from 'tap'
import { followRefusals } from '../../../src/adapters/bus/follow-refusals.ts'
import type { NumberedRefusal } from '../../../src/ports/proxies.ts'
import { fixedCredentials } from '../../../src/wire/held-credentials.ts'
import { connect } from '../../../src/wire/tls.ts'
import { Fleet } from '../../../xds/fleet.ts'
import { KeptRefusals } from '../../../xds/kept-refusals.ts'
import { RefusalCalls } from '../../../xds/refusal-calls.ts'
import { LISTENER } from '../../../xds/resource-type.ts'
import { XdsServer } from '../../../xds/server.ts'
import { identityOf, Root, TRUST_DOMAIN } from '../../certs/samples.ts'
import { DeltaClient } from '../../xds/delta-client.ts'
import { freePort } from '../../xds/laboratory.ts'
import { until } from '../../xds/real-envoy.ts'

const root = new Root()

/** An xDS server whose refusals are kept; `stop` drains it. */
async function replica (t: Test, { port = 0, instance = 'one', most = 1000 } = {}) {
  const clock = { now: Date.now }
  const kept = new KeptRefusals({ instance, clock, most })
  const server = new XdsServer({
    fleet: new Fleet({ clock, defaultInbound: { mode: 'redirect', port: 15_006 } }),
    credentials: fixedCredentials(root.issue('xds')),
    trustDomain: TRUST_DOMAIN,
    roles: { detector: identityOf('detector') },
    listen: { host: '127.0.0.1', port },
    log: pino({ level: 'silent' }),
    calls: [new RefusalCalls({ kept, mayWatch: ({ uid }) => uid === 'controller' })],
    onRefusal: (refusal) => kept.add(refusal),
  })
  const stopping = new AbortController()
  const ran = server.run(stopping.signal)
  const stop = async (): Promise<void> => {
    stopping.abort()
    await ran
  }
  t.teardown(stop)
  const bound = await server.port
  /** Waits until the server has said no, so many times. */
  const intrude = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time++) {
      using client = new DeltaClient(connect(`127.0.0.1:${bound}`, root.issue('detector'), { server: identityOf('xds') }))
      client.send({ typeUrl: LISTENER })
      await client.ended
    }
  }
  return { kept, port: bound, stop, intrude }
}

/** A controller that writes down what it takes; `isFull` has it take nothing. */
function follow (t: Test, port: number, uid = 'controller') {
  const trail = { taken: [] as string[], isFull: false, attempts: 0 }
  const troubles: string[] = []
  const stopping = new AbortController()
  const ran = followRefusals({
    servers: { list: () => [`127.0.0.1:${port}`], onChange: () => ({ [Symbol.dispose]: () => undefined }) },
    credentials: fixedCredentials(root.issue(uid)),
    server: identityOf('xds'),
    random: () => 0,
    backoff: { baseMs: 10, maxMs: 100 },
    onDisconnect: ({ message }) => troubles.push(message),
    take: async (instance: string, refusals: readonly NumberedRefusal[]) => {
      trail.attempts++
      if (trail.isFull) throw new Error('disk full')
      trail.taken.push(...refusals.map(({ sequence, reason, count }) => `${instance} ${sequence} ${reason} ${count}`))
    },
  }, stopping.signal)
  const stop = async (): Promise<void> => {
    stopping.abort()
    await ran
  }
  t.teardown(stop)
  const has = async (...wanted: readonly string[]) => until(`${wanted.join()}: ${trail.taken.join()} ${troubles.join('; ')}`, () => trail.taken.join() === wanted.join() || undefined)
  return { trail, troubles, has, stop }
}

t.test('a controller takes each refusal once, those of before it came and after it was away too', async (t) => {
  const { kept, port, intrude } = await replica(t)
  await intrude(2)
  const first = follow(t, port)
  await first.has('one 1 NotAPod 1', 'one 2 NotAPod 1')
  await intrude(1)
  await first.has('one 1 NotAPod 1', 'one 2 NotAPod 1', 'one 3 NotAPod 1')
  await until('all is acknowledged', () => kept.size === 0 || undefined)
  await first.stop()
  await intrude(1)
  const second = follow(t, port)
  await second.has('one 4 NotAPod 1')
})

t.test('what a trail does not take comes again', async (t) => {
  const { port, intrude, kept } = await replica(t)
  const { trail, has } = follow(t, port)
  trail.isFull = true
  await intrude(1)
  await until('it was tried twice', () => trail.attempts >= 2 || undefined)
  t.equal(kept.size, 1)
  trail.isFull = false
  await has('one 1 NotAPod 1')
})

t.test('more than may wait is told as a sum', async (t) => {
  const { port, intrude, kept } = await replica(t, { most: 2 })
  await intrude(5)
  t.equal(kept.size, 2)
  const { has } = follow(t, port)
  await has('one 1 NotAPod 1', 'one 2 NotAPod 1', 'one 3 NotAPod 3')
})

t.test('a server that is told to stop hands over what it has first, also what was held back as a sum', async (t) => {
  const { port, intrude, stop } = await replica(t)
  const { trail, troubles } = follow(t, port)
  await intrude(12)
  await until('what is told one by one was taken', () => trail.taken.length === 10 || undefined)
  await stop()
  t.strictSame(trail.taken.slice(10), ['one 11 NotAPod 2'])
  await until('it is away', () => troubles.length > 0 || undefined)
  t.match(troubles[0], /UNAVAILABLE|ended the stream/)
  const again = await replica(t, { port, instance: 'another' })
  await again.intrude(1)
  await until('it counts anew', () => trail.taken.at(-1) === 'another 1 NotAPod 1' || undefined)
})

t.test('nobody but a controller hears of refusals', async (t) => {
  const { port, intrude } = await replica(t)
  await intrude(1)
  const { trail, troubles } = follow(t, port, 'victim')
  await until('it was refused', () => troubles.find((message) => /pod\/victim may not know of every proxy; controllers alone may/.test(message)))
  t.same(trail.taken, [])
})

t.test('a server that is not there is tried again', async (t) => {
  const port = await freePort()
  const { has, troubles } = follow(t, port)
  await until('it was missed', () => troubles.length > 0 || undefined)
  const { intrude } = await replica(t, { port })
  await intrude(1)
  await has('one 1 NotAPod 1')
})
