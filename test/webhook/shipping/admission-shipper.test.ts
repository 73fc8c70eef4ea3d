import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { Authority, createAuthority } from '../../../certs/authority.ts'
import { openAuditTrail } from '../../../src/adapters/store/audit-trail.ts'
import { AdmissionTrail } from '../../../src/controller/admissions/admission-trail.ts'
import { PodContext } from '../../../src/controller/admissions/context.ts'
import { admissionIntake } from '../../../src/controller/admissions/intake.ts'
import { readTrailEntry } from '../../../src/controller/admissions/trail-entry.ts'
import { AutoshieldError } from '../../../src/core/errors.ts'
import { identityOfPeer, type Credentials, type Identity } from '../../../src/core/identity.ts'
import type { AuditTrail } from '../../../src/ports/audit.ts'
import { HeldCredentials } from '../../../src/wire/held-credentials.ts'
import { AdmissionShipper, type AdmissionShipperOptions } from '../../../webhook/shipping/admission-shipper.ts'
import { BOOT, made, marked } from './made-entry.ts'

const identity = (uid: string): Identity => ({ trustDomain: 'autoshield.local', namespace: 'autoshield', uid })
const [WEBHOOK, CONTROLLER] = [identity('webhook'), identity('controller')]
const NOW = Date.now()
const issue = (authority: Authority, who: Identity): Credentials => authority.issueWithKey({ identity: who }, NOW)
const AUTHORITY = new Authority(createAuthority('autoshield.local', NOW))

/** The trail on the disk, behind a door that the test can shut. */
class Door implements AuditTrail {
  readonly #trail: AuditTrail
  isShut = false

  constructor (trail: AuditTrail) {
    this.#trail = trail
  }

  append: AuditTrail['append'] = async (entry) => {
    if (this.isShut) throw new AutoshieldError('UNAVAILABLE', 'the disk is full')
    return this.#trail.append(entry)
  }

  search: AuditTrail['search'] = (query) => this.#trail.search(query)
}

interface Stage {
  readonly port: number
  readonly door: Door
  readonly server: Server
  /** What the trail holds of admissions, oldest first. */
  readonly seen: () => string[]
}

async function stage (t: Test, { authority = AUTHORITY, as = CONTROLLER, port = 0, dir = t.testdir({}) }: { authority?: Authority, as?: Identity, port?: number, dir?: string } = {}): Promise<Stage> {
  const audit = openAuditTrail(dir, { clock: { now: () => NOW } })
  t.teardown(() => audit[Symbol.asyncDispose]())
  const door = new Door(audit)
  const trail = new AdmissionTrail({ audit: door, context: new PodContext(), metrics: { recorded: () => undefined, duplicate: () => undefined, gap: () => undefined } })
  const { certificate, key } = issue(authority, as)
  const app = fastify({
    serverFactory: (handler) => createServer({ cert: certificate, key, ca: AUTHORITY.bundle, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' }, handler),
  })
  const identify = ({ socket }: { socket: unknown }): Identity | null => {
    const tls = socket as TLSSocket // the server above makes no other
    return tls.authorized ? identityOfPeer(tls.getPeerCertificate()) : null
  }
  await app.register(admissionIntake({ trail, webhook: WEBHOOK, identify: (request) => identify(request.raw) }))
  await app.listen({ port, host: '127.0.0.1' })
  t.teardown(() => app.close())
  const server = app.server as unknown
  return {
    port: (app.server.address() as AddressInfo).port,
    door,
    server: server as Server,
    seen: () => [...door.search({ limit: 10_000 })].reverse().map((entry) => {
      const read = readTrailEntry(entry)
      return read?.entry?.review ?? `gap ${String(read?.gap?.count)}`
    }),
  }
}

/** A shipper that runs; `shipped(n)` resolves when n items were taken in all, `failed(n)` after n failures. */
function shipper (t: Test, port: number, given: Partial<AdmissionShipperOptions> = {}) {
  const counts = { shipped: 0, failed: 0, lost: 0 }
  const failures: string[] = []
  let look = Promise.withResolvers<undefined>()
  const changed = (): void => {
    look.resolve(undefined)
    look = Promise.withResolvers()
  }
  const until = async (what: 'shipped' | 'failed', count: number): Promise<void> => {
    while (counts[what] < count) await look.promise
  }
  const shipping = new AdmissionShipper({
    controller: `127.0.0.1:${port}`,
    credentials: new HeldCredentials('', issue(AUTHORITY, WEBHOOK)),
    expected: CONTROLLER,
    boot: BOOT,
    random: () => 0,
    backoff: { baseMs: 1, maxMs: 5 },
    drainMs: 2_000,
    metrics: {
      recorded: () => undefined,
      shipped: (entries) => { counts.shipped += entries; changed() },
      lost: (entries) => { counts.lost += entries },
      waiting: () => undefined,
      failure: () => { counts.failed++; changed() },
    },
    onFailure: (error) => failures.push(error.message),
    ...given,
  })
  const stop = new AbortController()
  const ended = shipping.run(stop.signal)
  t.teardown(async () => { stop.abort(); await ended })
  return { shipping, counts, failures, until, stop, ended }
}

t.test('entries arrive in the trail, in order and once', async (t) => {
  const { port, seen, door } = await stage(t)
  const { shipping, until } = shipper(t, port)
  for (let n = 0; n < 450; n++) shipping.record(n % 50 === 0 ? marked(`r${n}`) : made(`r${n}`))
  await until('shipped', 450)
  t.same(seen(), Array.from({ length: 450 }, (_, n) => `r${n}`))
  t.match(door.search({ limit: 1 })[0], { actor: 'anna', action: 'admission.create', object: 'pods/shop/web', reason: 'Admitted' })
})

t.test('a full disk loses nothing: the webhook keeps what the trail does not take', async (t) => {
  const { port, seen, door } = await stage(t)
  door.isShut = true
  const { shipping, until, failures } = shipper(t, port)
  shipping.record(made('a'))
  await until('failed', 2)
  t.same(seen(), [])
  t.match(failures[0], /503 .*the disk is full/)
  door.isShut = false
  shipping.record(made('b'))
  await until('shipped', 2)
  t.same(seen(), ['a', 'b'])
})

t.test('a lost acknowledgement doubles nothing, also when the controller was started anew meanwhile', async (t) => {
  const dir = t.testdir({})
  const first = await stage(t, { dir })
  const body = JSON.stringify({ boot: BOOT, items: [{ sequence: 1, entry: made('a') }, { sequence: 2, entry: made('b') }] })
  const before = new AdmissionTrail({ audit: first.door, context: new PodContext(), metrics: { recorded: () => undefined, duplicate: () => undefined, gap: () => undefined } })
  await before.write((JSON.parse(body) as { items: { sequence: number, entry: ReturnType<typeof made> }[] }).items.map(({ sequence, entry }) => ({ entry, origin: { boot: BOOT, sequence } })))
  const { shipping, until } = shipper(t, first.port)
  for (const review of ['a', 'b', 'c']) shipping.record(made(review)) // the same boot sends them as 1, 2 and 3
  await until('shipped', 3)
  t.same(first.seen(), ['a', 'b', 'c'])
})

t.test('a review that two replicas saw is one entry', async (t) => {
  const { port, seen } = await stage(t)
  const one = shipper(t, port)
  const other = shipper(t, port, { boot: BOOT.replace('0', 'f') })
  one.shipping.record(made('same'))
  await one.until('shipped', 1)
  other.shipping.record(made('same'))
  other.shipping.record(made('other'))
  await other.until('shipped', 2)
  t.same(seen(), ['same', 'other'])
})

t.test('what there was no room for is told as a gap', async (t) => {
  const { port, seen, door } = await stage(t)
  door.isShut = true
  const { shipping, until, counts } = shipper(t, port, { bounds: { items: 3, bytes: 1 << 20 } })
  for (let n = 0; n < 8; n++) shipping.record(made(`r${n}`))
  await until('failed', 1)
  door.isShut = false
  await until('shipped', 4)
  t.equal(counts.lost, 5)
  t.same(seen(), ['gap 5', 'r5', 'r6', 'r7'])
  t.match(door.search({ action: 'admission.gap' })[0], { reason: 'QueueFull', actor: 'autoshield' })
})

t.test('a controller that refuses for good is not called in a hot loop, and gets what it can take', { timeout: 20_000 }, async (t) => {
  const { certificate, key } = issue(AUTHORITY, CONTROLLER)
  const causes: unknown[] = []
  const older = createServer({ cert: certificate, key, ca: AUTHORITY.bundle, requestCert: true, minVersion: 'TLSv1.3' }, (request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => { body += chunk }).on('end', () => {
      const { items } = JSON.parse(body) as { items: { sequence: number, gap?: { cause: string } }[] }
      causes.push(items[0]?.gap?.cause ?? 'entry')
      response.statusCode = items.some(({ gap }) => gap !== undefined) ? 422 : 200
      response.end(JSON.stringify({ acknowledged: items.at(-1)?.sequence }))
    })
  })
  older.listen(0, '127.0.0.1')
  await once(older, 'listening')
  t.teardown(() => older.close())
  const { shipping, until, counts } = shipper(t, (older.address() as AddressInfo).port)
  shipping.recordGap({ cause: 'let-through', count: 3, from: made('a').at, until: made('a').at })
  await until('failed', 2)
  shipping.record(made('a'))
  await until('shipped', 1)
  t.same(causes, ['let-through', 'refused', 'entry'])
  t.equal(counts.failed, 2)
})

t.test('a refusal for good is followed by the back-off', async (t) => {
  const { certificate, key } = issue(AUTHORITY, CONTROLLER)
  let calls = 0
  const older = createServer({ cert: certificate, key, ca: AUTHORITY.bundle, requestCert: true, minVersion: 'TLSv1.3' }, (request, response) => {
    calls++
    request.resume().on('end', () => { response.statusCode = 422; response.end() })
  })
  older.listen(0, '127.0.0.1')
  await once(older, 'listening')
  t.teardown(() => older.close())
  const { shipping, until, stop, ended } = shipper(t, (older.address() as AddressInfo).port, { backoff: { baseMs: 600_000, maxMs: 600_000 }, random: () => 0.999 })
  shipping.record(made('a'))
  await until('failed', 1)
  for (let n = 0; n < 20; n++) await new Promise(setImmediate)
  t.equal(calls, 1, 'the gap that tells of it waits')
  stop.abort()
  await ended
  t.equal(calls, 2, 'and a stop gets it out, or gives it up')
})

t.test('a stop gets across what is left, and gives up at its deadline', async (t) => {
  const { port, seen } = await stage(t)
  const good = shipper(t, port)
  good.shipping.record(made('last'))
  good.stop.abort()
  await good.ended
  t.same(seen(), ['last'])
  const nobody = shipper(t, 1, { drainMs: 50 })
  nobody.shipping.record(made('never'))
  nobody.stop.abort()
  await nobody.ended
  t.equal(nobody.counts.shipped, 0)
})

t.test('only the webhook may report, and only the controller is told', async (t) => {
  const { port, seen } = await stage(t)
  const stranger = shipper(t, port, { credentials: new HeldCredentials('', issue(AUTHORITY, identity('some-pod'))) })
  stranger.shipping.record(made('a'))
  await stranger.until('failed', 1)
  t.match(stranger.failures[0], /403 .*some-pod may not report admissions/)
  const foreign = shipper(t, port, { credentials: new HeldCredentials('', { ...issue(new Authority(createAuthority('autoshield.local', NOW)), WEBHOOK), authorities: AUTHORITY.bundle }) })
  foreign.shipping.record(made('b'))
  await foreign.until('failed', 1)
  t.match(foreign.failures[0], /403 .*without a certificate/)
  t.same(seen(), [])

  const impostor = await stage(t, { as: identity('detector'), dir: t.testdir({ impostor: {} }) + '/impostor' })
  const careful = shipper(t, impostor.port)
  careful.shipping.record(made('c'))
  await careful.until('failed', 1)
  t.match(careful.failures[0], /pod\/detector answers there, and not .*pod\/controller/)
  t.same(impostor.seen(), [])
})

t.test('new credentials are used for the next connection, without a restart', async (t) => {
  const { port, server, seen } = await stage(t)
  const credentials = new HeldCredentials('there is no certificate in this test')
  const { shipping, until, failures } = shipper(t, port, { credentials })
  shipping.record(made('a'))
  await until('failed', 1)
  t.match(failures[0], /no credentials yet/)
  const connected = once(server, 'secureConnection')
  credentials.take(issue(AUTHORITY, WEBHOOK))
  await connected
  await until('shipped', 1)
  const again = once(server, 'secureConnection')
  credentials.take(issue(AUTHORITY, WEBHOOK))
  shipping.record(made('b'))
  await again
  await until('shipped', 2)
  t.same(seen(), ['a', 'b'])
})
