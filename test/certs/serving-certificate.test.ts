import t from 'tap'
import { SecretAuthority } from '../../certs/secret-authority.ts'
import { SecretCredentials } from '../../certs/secret-credentials.ts'
import { ServingCertificate, type ServingEvent } from '../../certs/serving-certificate.ts'
import { SERVING_SECRET } from '../../certs/serving-secret.ts'
import type { Credentials } from '../../src/core/identity.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { checkCredentials, readCertificates } from '../../src/wire/check-credentials.ts'
import { FakeKubernetes } from '../kubernetes/fake-api.ts'
import { DAY_MS, HOUR_MS, Root, TestClock, TRUST_DOMAIN } from './samples.ts'

const NAMESPACE = 'autoshield'
const DNS = 'autoshield-webhook.autoshield.svc'

class Scene {
  readonly api = new FakeKubernetes()
  readonly clock = new TestClock()
  readonly events: ServingEvent[] = []
  readonly said: string[] = []
  readonly authority = new SecretAuthority({ api: this.api, namespace: NAMESPACE, trustDomain: TRUST_DOMAIN, clock: this.clock })
  readonly serving = this.replica()
  readonly webhook = new SecretCredentials({ api: this.api, namespace: NAMESPACE, clock: this.clock, onEvent: (event) => { this.said.push('problem' in event ? event.problem : event.type) } })

  replica (): ServingCertificate {
    return new ServingCertificate({ api: this.api, authority: this.authority, trustDomain: TRUST_DOMAIN, namespace: NAMESPACE, clock: this.clock, onEvent: (event) => { this.events.push(event) } })
  }

  put (pair: Partial<Credentials>, metadata: object): void {
    const data = { 'tls.crt': pair.certificate, 'tls.key': pair.key, 'ca.crt': pair.authorities }
    const given = Object.entries(data).flatMap(([key, text]) => text === undefined ? [] : [[key, Buffer.from(text).toString('base64')] as const])
    this.api.seed(RESOURCES.secrets, { metadata: { name: SERVING_SECRET, namespace: NAMESPACE, ...metadata }, type: 'kubernetes.io/tls', data: Object.fromEntries(given) })
  }

  version = async () => (await this.api.get(RESOURCES.secrets, SERVING_SECRET, NAMESPACE))?.metadata.resourceVersion
}

t.test('the webhook gets a pair for its Service, renewed in time and with every trusted root beside it', async (t) => {
  const scene = new Scene()
  const { api, clock, authority, serving, webhook } = scene
  await serving.reconcile()
  t.throws(() => serving.bundle(), { code: 'UNAVAILABLE' }, 'not before there is an authority')
  await webhook.look()
  t.match(webhook.problem(), /there is no Secret autoshield\/autoshield-webhook-tls/)
  await authority.reconcile()
  await serving.reconcile()
  await webhook.look()
  t.equal(webhook.problem(), null)
  t.equal(serving.bundle(), authority.bundle())
  t.equal(checkCredentials(webhook.current(), { nowMs: clock.now(), dns: [DNS, `${DNS}.cluster.local`] }), null)
  t.match(await api.get(RESOURCES.secrets, SERVING_SECRET, NAMESPACE), { type: 'kubernetes.io/tls' })

  const issued = () => scene.events.filter(({ type }) => type === 'issued').length
  clock.nowMs += 331 * DAY_MS
  for (let hour = 0; hour < 24 * 10; hour++, clock.nowMs += HOUR_MS) { // through the change of a root
    await authority.reconcile()
    await serving.reconcile()
    await webhook.look()
    const refused = checkCredentials({ ...webhook.current(), authorities: serving.bundle() }, { nowMs: clock.now(), dns: [DNS] })
    if (refused !== null) t.fail(refused.detail)
  }
  t.ok(issued() >= 13 && issued() <= 16, `${issued()} certificates in 10 days`)
  t.equal(readCertificates(serving.bundle()).length, 1, 'the root was changed')
})

t.test('replicas of the controller that issue at once leave one pair', async (t) => {
  const scene = new Scene()
  await scene.authority.reconcile()
  const replicas = [scene.serving, scene.replica(), scene.replica()]
  await Promise.all(replicas.map((replica) => replica.reconcile()))
  t.equal(scene.events.filter(({ type }) => type === 'issued').length, 1)
  const version = await scene.version()
  await Promise.all(replicas.map((replica) => replica.reconcile()))
  t.equal(await scene.version(), version, 'and nothing is written again')
})

t.test('a pair that cert-manager or a person keeps is used as it is, never overwritten, and its ca.crt vouches for it', async (t) => {
  const certManager = { labels: { 'app.kubernetes.io/managed-by': 'autoshield' }, annotations: { 'cert-manager.io/certificate-name': 'webhook' } }
  for (const metadata of [certManager, {}]) {
    const scene = new Scene()
    await scene.authority.reconcile()
    const root = new Root()
    scene.put(root.issue('x', { dns: [DNS] }), metadata)
    const version = await scene.version()
    await scene.serving.reconcile()
    await scene.webhook.look()
    t.equal(scene.serving.bundle(), root.authority.bundle)
    t.equal(scene.webhook.problem(), null)
    scene.put(root.issue('x', { dns: ['elsewhere.svc'] }), metadata)
    await scene.serving.reconcile()
    await scene.webhook.look()
    t.match(scene.events.at(-1), { type: 'refused', reason: /elsewhere.svc/ })
    t.equal(scene.said.at(-1), 'NameDoesNotFit')
    t.equal(scene.serving.bundle(), root.authority.bundle, 'the last good one stays')
    scene.clock.nowMs += 2 * DAY_MS
    await scene.serving.reconcile()
    t.not(await scene.version(), version)
    t.equal(scene.events.filter(({ type }) => type === 'issued').length, 0, 'nothing was written')
    t.match(scene.webhook.problem(), /has ended/, 'and the webhook says that it cannot serve')
  }
})

t.test('a pair of ours that was damaged is made anew', async (t) => {
  const scene = new Scene()
  await scene.authority.reconcile()
  const ours = { labels: { 'app.kubernetes.io/managed-by': 'autoshield' } }
  const good = scene.authority.current().issueWithKey({ identity: { trustDomain: TRUST_DOMAIN, namespace: NAMESPACE, uid: 'x' }, dns: [DNS, `${DNS}.cluster.local`] }, scene.clock.nowMs)
  for (const damage of [{ ...good, key: '' }, { ...good, certificate: good.certificate.slice(0, 100) }, new Root().issue('x', { dns: [DNS] })]) {
    scene.put(damage, ours)
    await scene.serving.reconcile()
    await scene.webhook.look()
    t.equal(scene.webhook.problem(), null)
  }
  scene.put({ ...good, authorities: 'old' }, ours)
  await scene.serving.reconcile()
  t.match(scene.events.at(-1), { type: 'bundle' }, 'where only the bundle is out of date, the pair stays')
})

t.test('the webhook never takes a pair that it could not serve with, and says once why', async (t) => {
  const scene = new Scene()
  const root = new Root()
  const good = root.issue('x', { dns: [DNS] })
  scene.put(good, {})
  await scene.webhook.look()
  const rows = [
    [root.issue('x', { dns: [DNS], nowMs: scene.clock.nowMs - 2 * DAY_MS }), 'Expired'],
    [root.issue('x', { dns: [DNS], nowMs: scene.clock.nowMs + DAY_MS }), 'NotYetValid'],
    [{ ...good, key: root.issue('x').key }, 'KeyDoesNotFit'],
    [{ ...good, authorities: new Root().authority.bundle }, 'Foreign'],
    [{ certificate: good.certificate, authorities: good.authorities }, 'HalfWritten'],
    [root.issue('x'), 'NameDoesNotFit'],
  ] as const
  for (const [pair, problem] of rows) {
    scene.said.length = 0
    scene.put(pair, {})
    await scene.webhook.look()
    await scene.webhook.look()
    t.same(scene.said, [problem])
    t.same(scene.webhook.current(), good, 'the old one stays')
    t.equal(scene.webhook.problem(), null)
  }
  await scene.api.remove(RESOURCES.secrets, SERVING_SECRET, { namespace: NAMESPACE })
  await scene.webhook.look()
  t.same(scene.webhook.current(), good)
  scene.put(rows[1][0], {})
  scene.clock.nowMs += DAY_MS
  await scene.webhook.look()
  t.same(scene.webhook.current(), rows[1][0], 'one that was too early is taken when its time has come')
})

t.test('both sides follow by themselves', async (t) => {
  const scene = new Scene()
  const stop = new AbortController()
  const taken = Promise.withResolvers<undefined>()
  using changes = scene.webhook.onChange(() => taken.resolve(undefined))
  const running = Promise.all([scene.webhook, scene.serving, scene.authority].map((part) => part.run(stop.signal)))
  await taken.promise
  t.equal(checkCredentials(scene.webhook.current(), { nowMs: scene.clock.nowMs }), null)
  t.ok(changes)
  stop.abort()
  await running
})
