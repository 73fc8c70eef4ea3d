import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import t from 'tap'
import { AUTHORITY_SECRET } from '../../certs/authority-secret.ts'
import { requestRotation, SecretAuthority, type AuthorityEvent } from '../../certs/secret-authority.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import { checkCredentials, readCertificates } from '../../src/wire/check-credentials.ts'
import { FakeKubernetes } from '../kubernetes/fake-api.ts'
import { DAY_MS, HOUR_MS, identityOf, TestClock, TRUST_DOMAIN } from './samples.ts'

const NAMESPACE = 'autoshield'

class Scene {
  readonly api = new FakeKubernetes()
  readonly clock = new TestClock()
  readonly events: string[] = []

  replica (): SecretAuthority {
    return new SecretAuthority({ api: this.api, namespace: NAMESPACE, trustDomain: TRUST_DOMAIN, clock: this.clock, onEvent: (event) => { this.events.push(wordOf(event)) } })
  }

  async secret () {
    const secret = await this.api.get(RESOURCES.secrets, AUTHORITY_SECRET, NAMESPACE)
    if (secret === null) throw new Error('there is no Secret')
    return secret
  }
}

const wordOf = (event: AuthorityEvent): string => 'reason' in event ? `${event.type}: ${event.reason}` : event.type
const roots = (authority: SecretAuthority): number => readCertificates(authority.bundle()).length

t.test('replicas that start at once share one authority, whoever is first', async (t) => {
  const scene = new Scene()
  const replicas = Array.from({ length: 5 }, () => scene.replica())
  t.throws(() => replicas[0]?.current(), { code: 'UNAVAILABLE' })
  await Promise.all(replicas.map((replica) => replica.reconcile()))
  t.equal(new Set(replicas.map((replica) => replica.bundle())).size, 1)
  t.same(scene.events.toSorted(), ['created', 'loaded', 'loaded', 'loaded', 'loaded'])
  const later = scene.replica()
  await later.reconcile()
  t.equal(later.bundle(), replicas[0]?.bundle(), 'and it outlives them')
})

t.test('a root is followed by another without a leaf that somebody could not verify, over restarts', async (t) => {
  const scene = new Scene()
  const { clock } = scene
  let authority = scene.replica()
  await authority.reconcile()
  clock.nowMs += 330 * DAY_MS
  const bundles: Array<{ atMs: number, bundle: string }> = []
  const leaves: Array<{ endMs: number, pair: ReturnType<ReturnType<SecretAuthority['current']>['issueWithKey']> }> = []
  for (const endMs = clock.nowMs + 12 * DAY_MS; clock.nowMs < endMs; clock.nowMs += 5 * HOUR_MS) {
    if (bundles.length % 7 === 6) authority = scene.replica()
    await authority.reconcile()
    const pair = authority.current().issueWithKey({ identity: identityOf('x') }, clock.nowMs)
    leaves.push({ endMs: clock.nowMs + DAY_MS, pair })
    bundles.push({ atMs: clock.nowMs, bundle: authority.bundle() })
    for (const leaf of leaves.filter(({ endMs }) => endMs > clock.nowMs)) {
      for (const held of bundles.filter(({ atMs }) => clock.nowMs - atMs <= DAY_MS)) {
        const refused = checkCredentials({ ...leaf.pair, authorities: held.bundle }, { nowMs: clock.nowMs })
        if (refused !== null) t.fail(refused.detail)
      }
    }
  }
  t.same(scene.events.filter((word) => word !== 'loaded'), ['created', 'trusted', 'promoted', 'dropped'])
  t.equal(roots(authority), 1)
  t.equal(Object.keys((await scene.secret())['data'] ?? {}).join(), 'ca.pem', 'the key that waited is not left beside the one that signs')
})

t.test('a person asks for a new root: it is trusted now, signs a day later, and the old one leaves a day after that', async (t) => {
  const scene = new Scene()
  await t.rejects(requestRotation(scene.api, NAMESPACE), { code: 'NOT_FOUND' })
  const [one, two] = [scene.replica(), scene.replica()]
  await one.reconcile()
  await requestRotation(scene.api, NAMESPACE)
  await Promise.all([one.reconcile(), two.reconcile()])
  t.equal(roots(one), 2)
  t.notMatch((await scene.secret()).metadata.annotations, { 'autoshield.dev/rotate-root': 'requested' }, 'what was asked for is done once')
  const first = readCertificates(one.bundle())[0]
  scene.clock.nowMs += 23 * HOUR_MS
  await Promise.all([one.reconcile(), two.reconcile()])
  t.equal(one.bundle(), two.bundle())
  t.equal(readCertificates(one.bundle())[0]?.fingerprint256, first?.fingerprint256, 'the old one signs')
  scene.clock.nowMs += 2 * HOUR_MS
  await Promise.all([one.reconcile(), two.reconcile()])
  t.equal(one.bundle(), two.bundle())
  t.not(readCertificates(one.bundle())[0]?.fingerprint256, first?.fingerprint256, 'the new one signs')
  t.equal(roots(two), 2, 'and the old one is believed')
  scene.clock.nowMs += 26 * HOUR_MS
  await Promise.all([one.reconcile(), two.reconcile()])
  t.equal(roots(one), 1)
  t.equal(scene.events.filter((word) => word === 'trusted').length, 1, 'two replicas make one root')
  t.equal(scene.events.filter((word) => word === 'promoted').length, 1)
})

t.test('a damaged or foreign Secret is refused with its reason and never overwritten; what was loaded goes on', async (t) => {
  const scene = new Scene()
  const authority = scene.replica()
  await authority.reconcile()
  const good = await scene.secret()
  const bundle = authority.bundle()
  const data = good['data'] as Record<string, string>
  const half = Buffer.from(Buffer.from(data['ca.pem'] ?? '', 'base64').toString().slice(0, 400)).toString('base64')
  const elsewhere = new Scene()
  const other = new SecretAuthority({ api: elsewhere.api, namespace: NAMESPACE, trustDomain: 'elsewhere.test', clock: elsewhere.clock })
  await other.reconcile()
  const rows = [
    [{ data: { 'ca.pem': half } }, /refused: Secret autoshield\/autoshield-ca, key ca.pem, is no CA of AutoShield/],
    [{ data: {} }, /refused: .* is no CA of AutoShield/],
    [{ metadata: { ...good.metadata, labels: {} } }, /refused: .* is not ours: it has no label/],
    [{ metadata: { ...good.metadata, annotations: { 'autoshield.dev/roots': '{' } } }, /refused: .* cannot be understood/],
    [{ metadata: { ...good.metadata, annotations: { 'autoshield.dev/roots': '{"signer":"x","next":null,"retired":[]}' } } }, /refused: .* names another signer/],
    [{ data: (await elsewhere.secret())['data'] }, /refused: .* no authority that AutoShield made for autoshield.test/],
  ] as const
  for (const [change, why] of rows) {
    const damaged = scene.api.seed(RESOURCES.secrets, { ...good, ...change })
    scene.events.length = 0
    await authority.reconcile()
    await authority.reconcile()
    t.match(scene.events.join('\n'), why)
    t.equal(scene.events.length, 1, 'said once')
    t.equal(authority.bundle(), bundle)
    t.equal((await scene.secret()).metadata.resourceVersion, damaged.metadata.resourceVersion, 'nothing was written')
    const fresh = scene.replica()
    await fresh.reconcile()
    t.throws(() => fresh.current(), { code: 'UNAVAILABLE' }, 'a fresh replica has none, and says why')
  }
  await scene.api.remove(RESOURCES.secrets, AUTHORITY_SECRET, { namespace: NAMESPACE })
  await authority.reconcile()
  t.equal((await scene.secret())['data'] !== undefined, true)
  t.equal(authority.bundle(), bundle, 'one that is removed comes back as it was')
})

t.test('an API server that is away is waited for, and said once', async (t) => {
  const scene = new Scene()
  scene.api.fault = () => new AutoshieldError('UNAVAILABLE', 'the API server is away')
  const authority = scene.replica()
  await authority.reconcile()
  await authority.reconcile()
  t.same(scene.events, ['failed: the API server is away'])
  scene.api.fault = null
  await authority.reconcile()
  t.ok(new X509Certificate(authority.current().issue({ identity: identityOf('x') }, generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey, scene.clock.nowMs)))
})

t.test('another authority in place of ours is taken, and is said to be that', async (t) => {
  const [scene, other] = [new Scene(), new Scene()]
  const authority = scene.replica()
  await authority.reconcile()
  await other.replica().reconcile()
  scene.api.seed(RESOURCES.secrets, { ...await scene.secret(), ...await other.secret() })
  await authority.reconcile()
  t.same(scene.events, ['created', 'replaced'])
})

t.test('it follows the Secret while it runs', async (t) => {
  const scene = new Scene()
  const [one, two] = [scene.replica(), scene.replica()]
  const stop = new AbortController()
  const loaded = new Promise<void>((resolve) => {
    two.onChange(() => { if (roots(two) === 2) resolve() })
  })
  const first = new Promise<void>((resolve) => { two.onChange(resolve) })
  const running = Promise.all([one.run(stop.signal), two.run(stop.signal)])
  await first
  await requestRotation(scene.api, NAMESPACE)
  await loaded
  t.equal(roots(two), 2)
  stop.abort()
  await running
})
