import t, { type Test } from 'tap'
import { KubernetesPodSelectors } from '../../../src/adapters/kubernetes/pod-selectors.ts'
import { KubernetesPods } from '../../../src/adapters/kubernetes/pods.ts'
import { KubernetesServices } from '../../../src/adapters/kubernetes/services.ts'
import { PodRelease } from '../../../src/controller/isolation/pod-release.ts'
import type { NewAuditEntry } from '../../../src/controller/journal.ts'
import { AutoshieldError } from '../../../src/core/errors.ts'
import { RELEASED_KEY } from '../../../src/core/isolation/released-labels.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import { createMitigation } from '../../../src/core/mitigation/lifecycle.ts'
import type { Mitigation, MitigationSpec } from '../../../src/core/mitigation/mitigation.ts'
import { planAction } from '../../../src/core/plan/plan-action.ts'
import { context, detectionOf, NOW_MS, PODS, ruleOf } from '../../core/plan/scene.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'

const LABELS = { app: 'web', tier: 'front', 'pod-template-hash': 'abc' }
const SUBJECT = { uid: PODS.web0.uid, namespace: 'shop', name: 'web-0', addresses: ['10.0.0.1'] }

function isolation (name = 'm-1', change: Partial<MitigationSpec> = {}, state: 'pending' | 'programmed' = 'programmed'): Mitigation {
  const { rule, action } = ruleOf('pod_isolation')
  const plan = planAction(rule, action, detectionOf(), context({ mitigation: name }))
  if (plan.spec === null) throw new Error(plan.message)
  const mitigation = createMitigation({ ...plan.spec, subject: SUBJECT, policies: ['isolation'], relabel: 'owner-and-services', ...change }, { name, uid: name, plan }, NOW_MS)
  return { ...mitigation, status: { ...mitigation.status, targets: [{ target: `networkpolicy/shop/${name}`, state, version: '1', message: '' }] } }
}

/** A pod of a ReplicaSet behind a Service, and who takes its labels. `look` waits until the pod's writes show. */
async function releasing (t: Test, annotation?: string) {
  const api = new FakeKubernetes()
  const pod = { metadata: { ...SUBJECT, addresses: undefined, labels: LABELS, annotations: { theirs: 'x', ...(annotation !== undefined && { [RELEASED_KEY]: annotation }) }, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', uid: 'rs', controller: true }] }, spec: { nodeName: 'n1', containers: [] }, status: { podIPs: [{ ip: '10.0.0.1' }] } }
  api.seed(RESOURCES.pods, JSON.parse(JSON.stringify(pod)))
  api.seed(RESOURCES.services, { metadata: { namespace: 'shop', name: 'web' }, spec: { selector: { app: 'web' } } })
  api.seed(RESOURCES.replicaSets, { metadata: { namespace: 'shop', name: 'web-abc' }, spec: { selector: { matchLabels: { app: 'web', 'pod-template-hash': 'abc' } } } })
  const [pods, services] = [new KubernetesPods(api), new KubernetesServices(api)]
  const selectors = new KubernetesPodSelectors(api, services)
  const stop = new AbortController()
  const running = Promise.all([pods, services, selectors].map(async (each) => each.run(stop.signal)))
  t.teardown(async () => {
    stop.abort()
    await running
  })
  const settled = async (): Promise<void> => { for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve)) }
  await settled()
  const clock = { nowMs: NOW_MS, now: () => clock.nowMs }
  const warned: string[] = []
  const told: NewAuditEntry[] = []
  const log = { info: () => undefined, warn: (_: object, message: string) => { warned.push(message) }, error: () => undefined }
  const start = (): PodRelease => new PodRelease({ api, installation: 'guard', pods, selectors: (namespace) => selectors.of(namespace), clock, random: () => 0, log, tell: async (entries) => { told.push(...entries) } })
  let release = start()
  const kept = new Map<string, Mitigation>()
  const look = async (...active: readonly Mitigation[]): Promise<boolean> => {
    clock.nowMs += 1_000
    kept.clear()
    for (const mitigation of active) kept.set(mitigation.metadata.name, mitigation)
    const isNews = await release.look({ active, answered: async (name, change) => { kept.set(name, change(kept.get(name) ?? isolation(name))) } })
    await settled()
    return isNews
  }
  return {
    api,
    pods,
    warned,
    told,
    troubleOf: (name: string) => release.troubleOf(name),
    look,
    restart: () => { release = start() },
    target: (name = 'm-1') => kept.get(name)?.status.targets.find(({ target }) => target === 'pod/shop/web-0') ?? null,
    metadata: async () => (await api.get(RESOURCES.pods, 'web-0', 'shop'))?.metadata,
    writes: () => api.calls.filter(({ verb }) => verb === 'replace').length,
    settled,
  }
}

t.test('a pod loses the labels by which it is found once its policy is stored, and has them again when nothing wants that', async (t) => {
  const { pods, look, target, metadata, writes } = await releasing(t)
  const before = await metadata()
  t.equal(await look(isolation('m-1', {}, 'pending')), true)
  t.match(target(), { state: 'pending', message: /until its NetworkPolicy is stored/ })
  t.equal(writes(), 0)
  await look(isolation())
  t.match(target(), { state: 'programmed' })
  t.match(await metadata(), { labels: { tier: 'front' }, annotations: { theirs: 'x' } })
  t.notOk(Object.hasOwn((await metadata())?.labels ?? {}, 'app'))
  t.match(pods.byUid(SUBJECT.uid), { workload: 'Deployment/web', released: { installation: 'guard', labels: { app: 'web', 'pod-template-hash': 'abc' } } }, 'it is of its workload still')
  await look(isolation('m-1', {}, 'pending'))
  t.match(target(), { state: 'programmed' }, 'it stays out while its policy is put back')
  t.equal(writes(), 1)
  await look()
  const { resourceVersion: _, ...after } = await metadata() ?? { name: '' }
  const { resourceVersion: _before, ...as } = before ?? { name: '' }
  t.strictSame(after, as)
  await look()
  t.equal(writes(), 2, 'and that is all')
})

t.test('what its owner released stays of its workload, also for a controller that begins anew and finds the mitigation ended', async (t) => {
  const { api, pods, look, metadata, settled, restart } = await releasing(t)
  await look(isolation())
  const released = await api.get(RESOURCES.pods, 'web-0', 'shop')
  if (released === null) throw new Error('no pod')
  await api.replace(RESOURCES.pods, { ...released, metadata: { ...released.metadata, ownerReferences: [] } })
  await settled()
  t.equal(pods.byUid(SUBJECT.uid)?.workload, 'Deployment/web')
  restart()
  await look()
  t.strictSame((await metadata())?.labels, { ...LABELS })
})

t.test('a label that somebody puts back goes again, and a Service that comes later selects it no more', async (t) => {
  const { api, look, metadata, settled } = await releasing(t)
  await look(isolation())
  await api.apply(RESOURCES.pods, { metadata: { namespace: 'shop', name: 'web-0', labels: { app: 'web' } } }, { force: true, fieldManager: 'kubectl' })
  api.seed(RESOURCES.services, { metadata: { namespace: 'shop', name: 'front' }, spec: { selector: { tier: 'front' } } })
  await settled()
  await look(isolation())
  t.strictSame((await metadata())?.labels, {})
  await look()
  t.strictSame((await metadata())?.labels, { ...LABELS })
})

t.test('labels that somebody gives back are taken again three times, and then left with a warning; all of it is in the trail', async (t) => {
  const { api, look, metadata, settled, told, target, troubleOf } = await releasing(t)
  await look(isolation())
  await look(isolation())
  const giveBack = async (): Promise<void> => {
    await api.apply(RESOURCES.pods, { metadata: { namespace: 'shop', name: 'web-0', labels: { app: 'web' } } }, { force: true, fieldManager: 'kubectl' })
    await settled()
    await look(isolation())
    await look(isolation())
  }
  for (let time = 0; time < 3; time++) {
    await giveBack()
    t.notOk(Object.hasOwn((await metadata())?.labels ?? {}, 'app'))
    t.equal(troubleOf('m-1'), null)
  }
  await giveBack()
  t.equal((await metadata())?.labels?.['app'], 'web')
  t.match(target(), { state: 'rejected', message: /given back 4 times/ })
  t.match(troubleOf('m-1'), { reason: 'Contested' })
  await look()
  t.strictSame(told.map(({ action, object, reason }) => `${action} ${object} ${reason}`), [
    'pod.labels-taken pods/shop/web-0 RuleMatched', ...Array<string>(3).fill('pod.labels-taken pods/shop/web-0 PutBack'), 'pod.labels-restored pods/shop/web-0 Unasked',
  ])
  t.equal(troubleOf('m-1'), null)
})

t.test('while two isolations want it out, the end of one changes nothing', async (t) => {
  const { look, writes, target } = await releasing(t)
  await look(isolation('m-1'), isolation('m-2', { relabel: 'services' }))
  t.match([target('m-1'), target('m-2')], [{ state: 'programmed' }, { state: 'programmed' }])
  await look(isolation('m-2', { relabel: 'services' }))
  t.equal(writes(), 1)
})

t.test('a write that met another one is made again, and what is forbidden is told in the API server\'s words, once', async (t) => {
  const { api, look, target, metadata, warned } = await releasing(t)
  let refusal: AutoshieldError | null = new AutoshieldError('CONFLICT', 'pod shop/web-0 has been modified')
  api.fault = ({ verb }) => verb === 'replace' ? refusal : null
  await look(isolation())
  t.match(target(), { state: 'pending', message: /has been modified/ })
  refusal = new AutoshieldError('UNTRUSTED', 'pods is forbidden')
  await look(isolation())
  t.match(target(), { state: 'rejected', message: /pods is forbidden/ })
  for (let beat = 0; beat < 5; beat++) await look(isolation())
  t.equal(warned.length, 2)
  refusal = null
  for (let beat = 0; beat < 40; beat++) await look(isolation())
  t.match(target(), { state: 'programmed' })
  t.notOk(Object.hasOwn((await metadata())?.labels ?? {}, 'app'))
})

t.test('labels that the AutoShield of another namespace took are left to it', async (t) => {
  const { look, target, writes } = await releasing(t, JSON.stringify({ installation: 'other', labels: { zone: 'a' }, workload: null }))
  await look()
  await look(isolation())
  t.match(target(), { state: 'rejected', message: /the AutoShield of namespace other/ })
  t.equal(writes(), 0)
})

t.test('a successor of the same name keeps its labels', async (t) => {
  const { api, look, metadata, settled } = await releasing(t)
  await settled()
  const first = await api.get(RESOURCES.pods, 'web-0', 'shop')
  api.cut()
  api.seed(RESOURCES.pods, { ...first, metadata: { ...first?.metadata, uid: 'successor' } })
  await look(isolation())
  t.match(await metadata(), { uid: 'successor', labels: LABELS })
})
