import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import t from 'tap'
import type { IssueRefusalReason } from '../../certs/issue-refusal.ts'
import { CertificateIssuer, type IssueRecord, type IssuerLimits } from '../../certs/issuer.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import { FakeKubernetes } from '../kubernetes/fake-api.ts'
import { knowTokens, reviewOf, seedPod } from './pod-tokens.ts'
import { DAY_MS, HOUR_MS, Root, TestClock, TRUST_DOMAIN } from './samples.ts'

const newKey = (): string => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }).toString()

class Scene {
  readonly api = new FakeKubernetes()
  readonly clock = new TestClock()
  readonly root = new Root()
  readonly records: IssueRecord[] = []
  readonly tokens = new Map<string, Record<string, unknown>>([['good', reviewOf()]])
  readonly issuer: CertificateIssuer

  constructor (limits: Partial<IssuerLimits> = {}) {
    knowTokens(this.api, this.tokens)
    seedPod(this.api)
    this.issuer = new CertificateIssuer({
      api: this.api, authority: { current: () => this.root.authority }, trustDomain: TRUST_DOMAIN, namespace: 'autoshield', clock: this.clock, limits, onDecision: (record) => { this.records.push(record) },
    })
  }

  async ask (token: string | null = 'good', publicKey: string | null = newKey(), peer = '10.0.0.1'): Promise<IssueRefusalReason | X509Certificate> {
    const answer = await this.issuer.issue({ token, publicKey, peer })
    return 'refused' in answer ? answer.refused : new X509Certificate(answer.certificate)
  }
}

const nameOf = (answer: IssueRefusalReason | X509Certificate): string => typeof answer === 'string' ? answer : answer.subjectAltName ?? ''

t.test('a pod gets a certificate with its uid for its own key, and that is on record', async (t) => {
  const scene = new Scene()
  const key = newKey()
  const answer = await scene.issuer.issue({ token: 'good', publicKey: key, peer: '10.0.0.1' })
  if ('refused' in answer) throw new Error(answer.refused)
  const leaf = new X509Certificate(answer.certificate)
  t.equal(leaf.subjectAltName, 'URI:spiffe://autoshield.test/ns/shop/pod/uid-of-cart-0')
  t.ok(leaf.publicKey.equals(createPublicKey(key)))
  t.equal(answer.authorities, scene.root.authority.bundle)
  t.match(scene.records, [{
    reason: 'Issued',
    peer: '10.0.0.1',
    count: 1,
    identity: 'spiffe://autoshield.test/ns/shop/pod/uid-of-cart-0',
    serialNumber: leaf.serialNumber,
    key: /^[0-9a-f]{64}$/,
    holder: { namespace: 'shop', serviceAccount: 'cart', pod: { name: 'cart-0', uid: 'uid-of-cart-0' } },
  }])
  t.notMatch(JSON.stringify(scene.records), 'good', 'the token is not')
})

t.test('our own service accounts get their parts, in our own namespace only', async (t) => {
  const scene = new Scene()
  const rows = [
    [{ namespace: 'autoshield', serviceAccount: 'autoshield-detector' }, 'URI:spiffe://autoshield.test/ns/autoshield/pod/detector'],
    [{ namespace: 'autoshield', serviceAccount: 'autoshield-webhook' }, 'URI:spiffe://autoshield.test/ns/autoshield/pod/webhook'],
    [{ namespace: 'autoshield', serviceAccount: 'autoshield-controller' }, 'URI:spiffe://autoshield.test/ns/autoshield/pod/controller'],
    [{ namespace: 'autoshield', serviceAccount: 'default' }, 'OtherServiceAccount'],
    [{ namespace: 'autoshield', serviceAccount: 'constructor' }, 'OtherServiceAccount'],
    [{ namespace: 'shop', serviceAccount: 'autoshield-detector' }, 'URI:spiffe://autoshield.test/ns/shop/pod/uid-of-p2'],
  ] as const
  for (const [holder, name] of rows) {
    scene.tokens.set('part', reviewOf({ ...holder, pod: 'p2' }))
    seedPod(scene.api, { ...holder, pod: 'p2' })
    t.equal(nameOf(await scene.ask('part')), name, `${holder.namespace}/${holder.serviceAccount}`)
    scene.clock.nowMs += 5 * 60_000
  }
})

const jwt = (claims: object): string => `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.y`
const inS = (ms: number): number => Math.floor((Date.now() + ms) / 1000)

t.test('who cannot prove to be a running pod gets nothing, and the reason is counted and on record', async (t) => {
  const scene = new Scene()
  const extra = (change: object) => ({ ...reviewOf(), user: { ...reviewOf()['user'] as object, extra: change } })
  scene.tokens.set('unaudienced', { ...reviewOf(), audiences: undefined })
  scene.tokens.set('for-others', { ...reviewOf(), audiences: ['https://kubernetes.default.svc'] })
  scene.tokens.set('node-bound', extra({ 'authentication.kubernetes.io/node-name': ['n1'] }))
  scene.tokens.set('unbound', extra({}))
  scene.tokens.set('two-pods', extra({ 'authentication.kubernetes.io/pod-name': ['cart-0', 'x'], 'authentication.kubernetes.io/pod-uid': ['uid-of-cart-0'] }))
  scene.tokens.set('user', { ...reviewOf(), user: { ...reviewOf()['user'] as object, username: 'alice' } })
  scene.tokens.set('gone', reviewOf({ pod: 'nobody' }))
  scene.tokens.set('replaced', reviewOf({ uid: 'an-older-one' }))
  seedPod(scene.api, { pod: 'ending' }, { metadata: { deletionTimestamp: new Date().toISOString(), finalizers: ['x/y'] } })
  scene.tokens.set('ending', reviewOf({ pod: 'ending' }))
  seedPod(scene.api, { pod: 'done' }, { phase: 'Succeeded' })
  scene.tokens.set('done', reviewOf({ pod: 'done' }))
  seedPod(scene.api, { pod: 'failed' }, { phase: 'Failed' })
  scene.tokens.set('failed', reviewOf({ pod: 'failed' }))
  seedPod(scene.api, { pod: 'other', serviceAccount: 'somebody' })
  scene.tokens.set('other', reviewOf({ pod: 'other' }))
  const rows: ReadonlyArray<readonly [string | null, IssueRefusalReason]> = [
    [null, 'NoToken'],
    ['garbage', 'TokenInvalid'],
    [jwt({ aud: ['autoshield'], exp: inS(-HOUR_MS) }), 'TokenExpired'],
    [jwt({ aud: ['autoshield'], exp: inS(HOUR_MS) }), 'TokenInvalid'],
    [jwt({ aud: 'https://kubernetes.default.svc', exp: inS(HOUR_MS) }), 'WrongAudience'],
    ['unaudienced', 'WrongAudience'],
    ['for-others', 'WrongAudience'],
    ['node-bound', 'NotPodBound'],
    ['unbound', 'NotPodBound'],
    ['two-pods', 'NotPodBound'],
    ['user', 'NotPodBound'],
    ['gone', 'PodGone'],
    ['replaced', 'PodGone'],
    ['ending', 'PodEnding'],
    ['done', 'PodEnding'],
    ['failed', 'PodEnding'],
    ['other', 'OtherServiceAccount'],
  ]
  for (const [token, reason] of rows) {
    t.equal(await scene.ask(token), reason, token ?? 'no token')
    t.equal(scene.records.at(-1)?.reason, reason)
    t.equal(scene.records.at(-1)?.identity, null)
  }
  t.equal(scene.issuer.counts().get('PodEnding'), 3)
  t.equal(scene.records.length, rows.length)
})

t.test('only a P-256 public key is certified, and each only once', async (t) => {
  const scene = new Scene()
  const pem = (options: { publicKey: { export: (options: { type: 'spki', format: 'pem' }) => string | Buffer } }): string => options.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const bad = [
    pem(generateKeyPairSync('ec', { namedCurve: 'P-384' })),
    pem(generateKeyPairSync('ed25519')),
    pem(generateKeyPairSync('rsa', { modulusLength: 2048 })),
    privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    scene.root.authority.bundle,
    newKey().slice(0, 100),
    newKey() + newKey(),
    '',
  ]
  for (const key of bad) t.equal(await scene.ask('good', key), 'BadKey')
  t.equal(await scene.ask('good', null), 'BadRequest')
  t.equal(scene.api.calls.length, 0, 'the API server was not asked')
  const key = newKey()
  t.type(await scene.ask('good', key), X509Certificate)
  t.equal(await scene.ask('good', key), 'KeyReused')
  scene.tokens.set('second', reviewOf({ pod: 'p2' }))
  seedPod(scene.api, { pod: 'p2' })
  t.equal(await scene.ask('second', key), 'KeyReused', 'and not for another pod')
  t.type(await scene.ask('second'), X509Certificate)
  scene.clock.nowMs += DAY_MS
  t.type(await scene.ask('second', key), X509Certificate, 'until its certificate has ended')
})

t.test('one pod, or one address, cannot use up what is there for all', async (t) => {
  const scene = new Scene({ perPeer: { perSecond: 1, seconds: 20 } })
  for (let request = 0; request < 5; request++) t.type(await scene.ask(), X509Certificate)
  t.equal(await scene.ask(), 'TooOften', 'the pod')
  scene.tokens.set('second', reviewOf({ pod: 'p2' }))
  seedPod(scene.api, { pod: 'p2' })
  t.type(await scene.ask('second'), X509Certificate)
  const asked = scene.api.calls.length
  for (let request = 0; request < 100; request++) await scene.ask('garbage')
  t.ok(scene.api.calls.length - asked <= 14, 'most of a flood costs the API server nothing')
  t.equal(scene.issuer.counts().get('TooOften'), 88)
  t.ok(scene.records.length < 25, 'nor does it fill the audit trail')
  t.type(await scene.ask('second', newKey(), '10.0.0.2'), X509Certificate, 'others go on')
})

t.test('too many at once are told to come back, and so is everybody while a part is away', async (t) => {
  const scene = new Scene({ maxConcurrent: 2 })
  const answers = await Promise.all([1, 2, 3, 4].map(async () => nameOf(await scene.ask())))
  t.equal(answers.filter((answer) => answer === 'Overloaded').length, 2)
  scene.api.fault = () => new AutoshieldError('UNAVAILABLE', 'the API server is away')
  t.equal(await scene.ask(), 'Unavailable')
  t.equal(scene.records.at(-1)?.detail, 'the API server is away')
  scene.api.fault = ({ resource }) => resource === RESOURCES.pods.plural ? new AutoshieldError('UNTRUSTED', 'grant the verb "get" on "pods"') : null
  t.equal(await scene.ask(), 'Unavailable')
  t.match(scene.records.at(-1)?.detail, /grant the verb/)
})
