import { connect as tcpConnect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import t from 'tap'
import type { Window } from '../../src/core/window/window.ts'
import { fixedCredentials } from '../../src/wire/held-credentials.ts'
import type { RefusalReason } from '../../src/detector/refusal.ts'
import type { Limits } from '../../src/detector/limits.ts'
import { encodeRestrictionCount } from '../../src/wire/restriction-counts.ts'
import { syntheticWindow } from '../core/tensor/synthetic-window.ts'
import { RawObserver } from './raw-observer.ts'
import { POD, POD_ADDRESS, REPLAY, TRUST_DOMAIN, recent, stage, type Running } from './stage.ts'

const own = (change: Parameters<typeof syntheticWindow>[0] = {}): Window =>
  syntheticWindow({ key: { kind: 'pair', source: POD_ADDRESS, destination: '10.0.0.9' }, number: recent(4), ...change })

const DAY_MS = 86_400_000

/** Resolves when the connection is over, in whatever way. */
async function closed (socket: Socket): Promise<void> {
  socket.on('error', () => undefined)
  socket.resume()
  const { promise, resolve } = Promise.withResolvers<undefined>()
  socket.on('close', () => resolve(undefined))
  await promise
}

/** The detector still serves a good observer. */
async function serves (t: Parameters<typeof stage>[0], { address }: Running, credentials: ConstructorParameters<typeof RawObserver>[2]): Promise<void> {
  const good = new RawObserver(t, address, credentials)
  good.hello({ bootId: randomBytes(16) })
  good.batch(1, [own()])
  await good.acknowledged(1)
  t.pass('a good observer is served')
}

const counted = { source: '10.0.0.9', destination: POD_ADDRESS, port: 80, unit: 'connections', atMs: recent(1) * 500, attempts: 1, denied: 1, limited: 0, passed: 0, shadowed: 0 } as const

interface Case {
  readonly what: string
  readonly says: (observer: RawObserver) => void
  readonly answer: RegExp
  readonly reason: RefusalReason
  readonly limits?: Partial<Limits>
}

const cases: readonly Case[] = [
  { what: 'an identity that is not the certificate\'s', says: (o) => o.hello({ identity: `spiffe://${TRUST_DOMAIN}/ns/shop/pod/pod-2` }), answer: /^PERMISSION_DENIED: hello says .*pod-2.*certificate is that of .*pod-1/, reason: 'NotYours' },
  { what: 'another feature schema', says: (o) => o.hello({ featureSchema: 'autoshield.dev/features/v0' }), answer: /^FAILED_PRECONDITION: .*features\/v0.*features\/v1; run the same version/, reason: 'OtherSchema' },
  { what: 'a short boot id', says: (o) => o.hello({ bootId: new Uint8Array(4) }), answer: /^INVALID_ARGUMENT: a boot id has 16 bytes, not 4/, reason: 'Malformed' },
  { what: 'another pod\'s address', says: (o) => o.hello({ ownAddresses: [Uint8Array.of(10, 0, 0, 2)] }), answer: /^PERMISSION_DENIED: 10\.0\.0\.2 is not an address of /, reason: 'NotYours' },
  { what: 'an address that is no pod\'s', says: (o) => o.hello({ ownAddresses: [Uint8Array.of(10, 0, 0, 3)] }), answer: /^PERMISSION_DENIED: 10\.0\.0\.3 is not an address of /, reason: 'Unknown' },
  { what: 'an address of three bytes', says: (o) => o.hello({ ownAddresses: [new Uint8Array(3)] }), answer: /^INVALID_ARGUMENT: an own address has 3 bytes/, reason: 'Malformed' },
  { what: 'a batch before hello', says: (o) => o.batch(1, [own()]), answer: /^INVALID_ARGUMENT: the first message of a stream must be hello/, reason: 'Malformed' },
  { what: 'an end before hello', says: (o) => o.end(), answer: /^INVALID_ARGUMENT: the stream ended before hello/, reason: 'Malformed' },
  { what: 'hello twice', says: (o) => { o.hello(); o.hello() }, answer: /^INVALID_ARGUMENT: after hello a stream carries batches only/, reason: 'Malformed' },
  { what: 'an empty message', says: (o) => { o.hello(); o.say(undefined) }, answer: /^INVALID_ARGUMENT/, reason: 'Malformed' },
  { what: 'bytes that are no message', says: (o) => { o.hello(); o.bytes(Uint8Array.of(0xff, 0xff, 0xff)) }, answer: /^INVALID_ARGUMENT: the message is no ObserverMessage/, reason: 'Malformed' },
  { what: 'sequence number 0', says: (o) => { o.hello(); o.batch(0, [own()]) }, answer: /^INVALID_ARGUMENT: 0 is no sequence number/, reason: 'Malformed' },
  { what: 'a gap in the sequence', says: (o) => { o.hello(); o.batch(1, [own()]); o.batch(3, [own({ number: recent(3) })]) }, answer: /^OUT_OF_RANGE: batch 3 came after 1/, reason: 'Gap' },
  { what: 'columns that contradict each other', says: (o) => { o.hello(); o.say({ case: 'batch', value: { sequence: 1n, windows: { key: [0] } } }) }, answer: /^INVALID_ARGUMENT: column step has 0 entries/, reason: 'Malformed' },
  { what: 'a pair of two other pods', says: (o) => { o.hello(); o.batch(1, [own(), own({ key: { kind: 'pair', source: '10.0.0.7', destination: '10.0.0.8' } })]) }, answer: /^PERMISSION_DENIED: a pair window has none of the reporter's own addresses/, reason: 'NotYours' },
  { what: 'another pod\'s fan-out', says: (o) => { o.hello(); o.batch(1, [own({ key: { kind: 'fan-out', source: '10.0.0.7' } })]) }, answer: /^PERMISSION_DENIED: a fan-out window/, reason: 'NotYours' },
  { what: 'another pod\'s fan-in', says: (o) => { o.hello(); o.batch(1, [own({ key: { kind: 'fan-in', destination: '10.0.0.7' } })]) }, answer: /^PERMISSION_DENIED: a fan-in window/, reason: 'NotYours' },
  { what: 'a window of next year', says: (o) => { o.hello(); o.batch(1, [own({ number: recent(-63_072_000) })]) }, answer: /^INVALID_ARGUMENT: a window starts at .* ahead; set the node's clock/, reason: 'Malformed' },
  { what: 'a batch that is too large', limits: { maxBatchWindows: 2 }, says: (o) => { o.hello(); o.batch(1, [3, 4, 5].map((ago) => own({ number: recent(ago) }))) }, answer: /^RESOURCE_EXHAUSTED: a batch of 3 windows is larger than 2/, reason: 'TooMuch' },
  { what: 'too many windows a second', limits: { maxWindowsPerSecond: 1 }, says: (o) => { o.hello(); o.batch(1, Array.from({ length: 11 }, (_, ago) => own({ number: recent(ago) }))) }, answer: /^RESOURCE_EXHAUSTED: more than 1 windows and restriction counts a second/, reason: 'TooMuch' },
  { what: 'too many restriction counts a second', limits: { maxWindowsPerSecond: 1 }, says: (o) => { o.hello(); o.say({ case: 'batch', value: { sequence: 1n, restrictions: Array.from({ length: 11 }, () => encodeRestrictionCount(counted)) } }) }, answer: /^RESOURCE_EXHAUSTED: more than 1 windows and restriction counts a second/, reason: 'TooMuch' },
  { what: 'silence', limits: { silenceMs: 30 }, says: (o) => o.hello(), answer: /^DEADLINE_EXCEEDED: nothing came for 30 ms; send an empty batch/, reason: 'Silent' },
  { what: 'silence before hello', limits: { silenceMs: 30 }, says: () => undefined, answer: /^DEADLINE_EXCEEDED: nothing came/, reason: 'Silent' },
]

t.test('a bad observer is told why, is counted, and harms nobody', async (t) => {
  const { start, credentials } = await stage(t)
  const mine = credentials(POD)
  const shared = await start({ limits: { maxStreamsPerIdentity: 100 } })
  for (const { what, says, answer, reason, limits } of cases) {
    await t.test(what, async (t) => {
      const running = limits === undefined ? shared : await start({ limits })
      const count = () => running.detector.stats().refused[reason] ?? 0
      const before = count()
      const observer = new RawObserver(t, running.address, mine)
      observer.bootId = Uint8Array.from(randomBytes(16))
      says(observer)
      t.match(await observer.ended, answer)
      t.equal(count(), before + 1, `counted as ${reason}`)
    })
  }
  await serves(t, shared, mine)
})

t.test('an identity that nobody knows is refused', async (t) => {
  const { start, credentials } = await stage(t)
  const { address, detector } = await start()
  for (const identity of [{ ...POD, uid: 'unknown' }, { ...POD, namespace: 'elsewhere' }, { ...POD, trustDomain: 'elsewhere' }, { ...REPLAY, namespace: 'shop' }]) {
    const observer = new RawObserver(t, address, credentials(identity))
    observer.hello({ identity: `spiffe://${identity.trustDomain}/ns/${identity.namespace}/pod/${identity.uid}`, ownAddresses: [] })
    t.match(await observer.ended, /^PERMISSION_DENIED: .* is no pod that this detector knows/)
  }
  t.strictSame(detector.stats().refused, { Unknown: 4 })
})

t.test('one identity cannot hold more than a few streams', async (t) => {
  const { start, credentials } = await stage(t)
  const { address, detector } = await start({ limits: { maxStreamsPerIdentity: 2 } })
  const mine = credentials(POD)
  const first = [1, 2].map(() => new RawObserver(t, address, mine))
  for (const observer of first) observer.hello({ bootId: randomBytes(16) })
  await Promise.all(first.map((observer) => observer.welcome()))
  t.match(await new RawObserver(t, address, mine).ended, /^RESOURCE_EXHAUSTED: .*pod-1 has 2 streams already/)
  t.equal(detector.stats().observers, 2)
})

t.test('without a certificate of the right CA there is no connection', async (t) => {
  const { start, credentials, authority } = await stage(t)
  const other = await stage(t)
  const detector = await start()
  const mine = credentials(POD)
  const foreign = other.credentials(POD)
  const wrongClient = new RawObserver(t, detector.address, { ...foreign, authorities: mine.authorities })
  wrongClient.hello()
  t.match(await wrongClient.ended, /^UNAVAILABLE/, 'the detector refuses a certificate of another CA')
  const wrongServer = new RawObserver(t, detector.address, { ...mine, authorities: foreign.authorities })
  wrongServer.hello()
  t.match(await wrongServer.ended, /^UNAVAILABLE/, 'the observer refuses a detector of another CA')
  const expired = new RawObserver(t, detector.address, authority.issueWithKey({ identity: POD, dns: ['localhost'], ip: ['127.0.0.1'] }, Date.now() - 2 * DAY_MS))
  expired.hello()
  t.match(await expired.ended, /^UNAVAILABLE/, 'the detector refuses a certificate of yesterday')
  const bare = tlsConnect({ port: Number(detector.address.split(':')[1]), host: '127.0.0.1', ca: mine.authorities, ALPNProtocols: ['h2'] })
  const [error] = await once(bare, 'error') as [Error]
  t.match(error, { code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' }, 'a client without a certificate is cut off')
  t.equal(detector.detector.stats().observers, 0)
  await serves(t, detector, mine)
})

t.test('a stream ends with the certificate that it began with', async (t) => {
  const { start, credentials } = await stage(t)
  let aheadMs = 0
  const detector = await start({ clock: { now: () => Date.now() + aheadMs }, limits: { silenceMs: 200 } })
  const observer = new RawObserver(t, detector.address, credentials(POD))
  observer.hello()
  await observer.welcome()
  aheadMs = DAY_MS + 3_600_000
  t.match(await observer.ended, /^UNAUTHENTICATED: the certificate that this stream began with has expired; connect again/)
  aheadMs = 0
  await serves(t, detector, credentials(POD))
})

t.test('a server of our CA under another name is not taken for the detector', async (t) => {
  const { start, credentials, authority } = await stage(t)
  const { address } = await start({ credentials: fixedCredentials(authority.issueWithKey({ identity: POD, ip: ['127.0.0.2'], dns: ['elsewhere'] }, Date.now())) })
  const observer = new RawObserver(t, address, credentials(POD))
  observer.hello()
  t.match(await observer.ended, /^UNAVAILABLE/)
})

t.test('a certificate without an identity is refused in words', async (t) => {
  const { start, authority } = await stage(t)
  const { address } = await start()
  const odd = authority.issueWithKey({ identity: { ...POD, uid: '../x' } }, Date.now())
  const observer = new RawObserver(t, address, odd)
  observer.hello()
  t.match(await observer.ended, /^UNAUTHENTICATED: the certificate names no identity of the form/)
})

t.test('garbage on the socket harms nobody', async (t) => {
  const { start, credentials } = await stage(t)
  const detector = await start()
  const mine = credentials(POD)
  const [host = '', port = ''] = detector.address.split(':')
  for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), randomBytes(4_096), Buffer.from([0x16, 0x03, 0x01, 0xff, 0xff])]) {
    const socket = tcpConnect(Number(port), host)
    socket.end(bytes)
    await closed(socket)
  }
  const tls = tlsConnect({ host, port: Number(port), ca: mine.authorities, cert: mine.certificate, key: mine.key, ALPNProtocols: ['h2'] })
  await once(tls, 'secureConnect')
  tls.end(randomBytes(4_096))
  await closed(tls)
  await serves(t, detector, mine)
})

t.test('only a controller may follow the scores', async (t) => {
  const { start, source } = await stage(t)
  const { address, detector } = await start()
  const curious = source(address, POD)
  const window = own()
  const score = { reporter: '', key: window.key, stepMs: window.stepMs, windowNumber: window.number, unproved: 0, probabilities: new Float32Array(6), tensor: new Float32Array(240), context: new Float32Array(27), window, receivedAtMs: 0, simulated: false }
  await t.rejects(curious.explain(score, 'SYN_FLOOD', []), { code: 'UNTRUSTED', message: /PERMISSION_DENIED: .*pod-1 may not follow the scores/ })
  t.equal(detector.stats().refused['NotYours'], 1)
})
