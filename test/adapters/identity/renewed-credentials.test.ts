import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { CertificateIssuer } from '../../../certs/issuer.ts'
import { RenewedCredentials, waitsAfter, type RenewalEvent, type RenewedCredentialsOptions } from '../../../src/adapters/identity/renewed-credentials.ts'
import { serveControl } from '../../../src/cli/control-server.ts'
import { AutoshieldError } from '../../../src/core/errors.ts'
import { checkCredentials } from '../../../src/wire/check-credentials.ts'
import { firstCredentials, HeldCredentials } from '../../../src/wire/held-credentials.ts'
import { startControl } from '../../certs/control-server.ts'
import { knowTokens, reviewOf, seedPod } from '../../certs/pod-tokens.ts'
import { HOUR_MS, identityOf, Root, TestClock, TRUST_DOMAIN } from '../../certs/samples.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'

/** A pod with its files, and a controller; the pod's clock and the controller's are one. */
async function scene (t: Test) {
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-pod-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const [tokenFile, authoritiesFile] = [join(folder, 'token'), join(folder, 'ca.pem')]
  const [api, clock] = [new FakeKubernetes(), new TestClock()]
  const signing = { root: new Root() }
  knowTokens(api, new Map([['good', reviewOf()]]))
  seedPod(api)
  const issuer = new CertificateIssuer({ api, authority: { current: () => signing.root.authority }, trustDomain: TRUST_DOMAIN, namespace: 'autoshield', clock })
  const controller = new HeldCredentials('none', signing.root.issue('controller'))
  await writeFile(tokenFile, 'good\n')
  await writeFile(authoritiesFile, signing.root.authority.bundle)
  const events: RenewalEvent[] = []
  let heard = Promise.withResolvers<undefined>()
  const start = (endpoint: string, options: Partial<RenewedCredentialsOptions> = {}) => {
    const stop = new AbortController()
    const credentials = new RenewedCredentials({
      endpoint,
      server: identityOf('controller'),
      tokenFile,
      authoritiesFile,
      clock,
      random: Math.random,
      everyMs: 2,
      backoff: { baseMs: 2, maxMs: 4 },
      refusedBackoff: { baseMs: 2, maxMs: 4 },
      onEvent: (event) => {
        events.push(event)
        heard.resolve(undefined)
        heard = Promise.withResolvers()
      },
      ...options,
    })
    const running = credentials.run(stop.signal)
    t.teardown(async () => {
      stop.abort()
      await running
    })
    return { credentials, signal: stop.signal }
  }
  /** Resolves when `count` events of a type were told. */
  const told = async (type: RenewalEvent['type'], count: number): Promise<void> => {
    while (events.filter((event) => event.type === type).length < count) await heard.promise
  }
  return { api, clock, signing, issuer, controller, tokenFile, authoritiesFile, events, start, told }
}

t.test('a pod gets a certificate for a key of its own, and another one of another key in time', async (t) => {
  const { clock, issuer, controller, start, told } = await scene(t)
  const { endpoint } = await startControl(t, issuer, controller)
  const { credentials, signal } = start(endpoint)
  t.throws(() => credentials.current(), { code: 'UNAVAILABLE' })
  const first = await firstCredentials(credentials, signal)
  t.equal(new X509Certificate(first.certificate).subjectAltName, 'URI:spiffe://autoshield.test/ns/shop/pod/uid-of-cart-0')
  t.equal(checkCredentials(first, { nowMs: clock.nowMs }), null)
  clock.nowMs += 15 * HOUR_MS
  t.same(credentials.current(), first, 'not before two thirds')
  clock.nowMs += 4 * HOUR_MS
  await told('renewed', 2)
  t.not(credentials.current().key, first.key)
})

t.test('whoever answers there with a valid certificate of another workload gets neither token nor key', async (t) => {
  const { signing, issuer, authoritiesFile, events, start, told } = await scene(t)
  const impostor = await startControl(t, issuer, new HeldCredentials('none', signing.root.issue('some-pod', { ip: ['127.0.0.1'], dns: ['localhost'] })))
  start(impostor.endpoint)
  start(impostor.endpoint.replace('127.0.0.1', 'localhost'))
  await told('unavailable', 6)
  t.same(impostor.requests, [], 'no request was heard')
  t.match(events, [{ reason: /the server is .*some-pod and not .*controller/ }])
  const foreign = await startControl(t, issuer, new HeldCredentials('none', new Root().issue('controller')))
  await writeFile(authoritiesFile, signing.root.authority.bundle)
  start(foreign.endpoint)
  await told('unavailable', 10)
  t.same(foreign.requests, [])
})

t.test('a refusal is said and what is held stays; when the pod is known again, so is the certificate renewed', async (t) => {
  const { clock, issuer, controller, tokenFile, events, start, told } = await scene(t)
  const { endpoint } = await startControl(t, issuer, controller)
  const { credentials, signal } = start(endpoint)
  const first = await firstCredentials(credentials, signal)
  await writeFile(tokenFile, 'unknown')
  clock.nowMs += 19 * HOUR_MS
  await told('unavailable', 2)
  t.match(events.at(-1), { reason: /401, TokenInvalid: No certificate: the API server does not know the token/ })
  t.same(credentials.current(), first)
  await writeFile(tokenFile, 'good')
  await told('renewed', 2)
  t.not(credentials.current().certificate, first.certificate)
})

t.test('a pod that is gone is refused for good', async (t) => {
  const { api, issuer, controller, events, start, told } = await scene(t)
  const { endpoint } = await startControl(t, issuer, controller)
  await api.remove({ group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true }, 'cart-0', { namespace: 'shop' })
  start(endpoint)
  await told('refused', 2)
  t.match(events, [{ type: 'refused', reason: /403, PodGone/ }])
})

t.test('a controller that is away is waited for, and one that is overloaded, too', async (t) => {
  const { api, issuer, controller, start, told } = await scene(t)
  const first = await startControl(t, issuer, controller)
  await first.close()
  const { credentials, signal } = start(first.endpoint)
  await told('unavailable', 2)
  api.fault = () => new AutoshieldError('UNAVAILABLE', 'the API server is away')
  await startControl(t, issuer, controller, Number(first.endpoint.split(':')[1]))
  await told('unavailable', 5)
  api.fault = null
  t.ok(await firstCredentials(credentials, signal))
})

t.test('a replica of the controller that does not lead is no refusal: the one that leads is asked soon', async (t) => {
  const { issuer, controller, events, start, told } = await scene(t)
  const following = new AbortController()
  const port = Promise.withResolvers<number>()
  const served = serveControl({ listen: { host: '127.0.0.1', port: 0 }, credentials: controller, clock: { now: Date.now }, log: pino({ level: 'silent' }), routes: [], onListening: port.resolve }, following.signal)
  const { credentials, signal } = start(`127.0.0.1:${await port.promise}`, { refusedBackoff: { baseMs: 3_600_000, maxMs: 3_600_000 } })
  await told('unavailable', 2)
  t.match(events, [{ type: 'unavailable', reason: /404, .*no leading controller answers there/ }])
  following.abort()
  await served
  await startControl(t, issuer, controller, await port.promise)
  t.ok(await firstCredentials(credentials, signal))
})

t.test('when the authorities beside the token change, a certificate with the new bundle is asked for at once', async (t) => {
  const { signing, issuer, controller, authoritiesFile, start, told } = await scene(t)
  const { endpoint } = await startControl(t, issuer, controller)
  const { credentials, signal } = start(endpoint)
  const before = await firstCredentials(credentials, signal)
  const old = signing.root
  signing.root = new Root(Date.now(), [old.certificate])
  controller.take(signing.root.issue('controller'))
  t.same(credentials.current(), before)
  await writeFile(authoritiesFile, signing.root.authority.bundle)
  await told('renewed', 2)
  t.equal(credentials.current().authorities, signing.root.authority.bundle)
})

t.test('a pod older than the root that signs now goes on by what came with its last certificate', async (t) => {
  const { signing, issuer, controller, authoritiesFile, start, told } = await scene(t)
  const { endpoint } = await startControl(t, issuer, controller)
  const { credentials, signal } = start(endpoint)
  await firstCredentials(credentials, signal)
  const old = signing.root
  signing.root = new Root(Date.now(), [old.certificate])
  await writeFile(authoritiesFile, signing.root.authority.bundle)
  await told('renewed', 2)
  controller.take(signing.root.issue('controller'))
  await writeFile(authoritiesFile, old.authority.bundle) // the file of a pod that was made before
  await told('renewed', 3)
  t.equal(credentials.current().authorities, signing.root.authority.bundle)
})

t.test('what is no request for a certificate is answered by what is wrong with it', async (t) => {
  const { signing, issuer, controller } = await scene(t)
  const { endpoint } = await startControl(t, issuer, controller)
  const [host, port] = endpoint.split(':')
  const ask = async (body: string, headers: Record<string, string> = { authorization: 'Bearer good', 'content-type': 'application/json' }, method = 'POST') => {
    const call = request({ host, port, path: '/v1/certificates', method, headers, ca: signing.root.authority.bundle, checkServerIdentity: () => undefined, agent: false })
    call.end(body)
    const [response] = await once(call, 'response') as [IncomingMessage]
    return { status: response.statusCode, body: await text(response) }
  }
  t.match(await ask('{}'), { status: 400, body: /BadRequest/ })
  t.match(await ask('{"publicKey":1}'), { status: 400, body: /BadRequest/ })
  t.match(await ask('{"publicKey":"x"}'), { status: 400, body: /BadKey/ })
  t.match(await ask('{"publicKey":"x"}', { 'content-type': 'application/json' }), { status: 401, body: /NoToken/ })
  t.match(await ask('{"publicKey":"x"}', { 'content-type': 'application/json', authorization: 'Basic x' }), { status: 401, body: /NoToken/ })
  t.match(await ask(JSON.stringify({ publicKey: 'x'.repeat(8_000) })), { status: 413 })
  t.match(await ask('{"publicKey"'), { status: 400 })
  t.match(await ask('x', { authorization: 'Bearer good', 'content-type': 'text/html' }), { status: 415 })
  t.match(await ask('', {}, 'GET'), { status: 404 })
})

t.test('a pod without a certificate is not left waiting as long as one that renews its own', async (t) => {
  t.equal(waitsAfter('unavailable', 'none').maxMs, 10_000)
  t.equal(waitsAfter('unavailable', 'one').maxMs, 60_000)
  for (const has of ['none', 'one'] as const) t.equal(waitsAfter('refused', has).maxMs, 600_000)
})
