import t, { type Test } from 'tap'
import { Mirror, type Change } from '../../../src/adapters/kubernetes/mirror.ts'
import { KubernetesNamespaces } from '../../../src/adapters/kubernetes/namespaces.ts'
import { openKubernetes } from '../../../src/adapters/kubernetes/open-kubernetes.ts'
import { KubernetesPods } from '../../../src/adapters/kubernetes/pods.ts'
import type { KubernetesObject } from '../../../src/core/kubernetes/object.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'
import { testCluster, withoutCluster } from '../../real/cluster/test-cluster.ts'

const { configMaps, namespaces, pods } = RESOURCES
const xOf = ({ data }: KubernetesObject): string => (data as { x: string }).x
const config = (name: string, x: string) => ({ metadata: { name, namespace: 'shop' }, data: { x } })

/** Runs it until the test ends. */
function running (t: Test, part: { run: (signal: AbortSignal) => Promise<void> }): void {
  const stopping = new AbortController()
  const run = part.run(stopping.signal)
  t.teardown(async () => {
    stopping.abort()
    await run
  })
}

/** Resolves at the change that makes it true. */
async function when (seen: { onChange: (listener: () => void) => Disposable }, isTrue: () => boolean): Promise<void> {
  if (isTrue()) return
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const listening = seen.onChange(() => { if (isTrue()) resolve(undefined) })
  await promise
  listening[Symbol.dispose]()
}

t.test('a mirror is ready once it has seen everything, and tells each change after showing it', async (t) => {
  const api = new FakeKubernetes()
  await api.create(configMaps, config('a', '1'))
  const mirror = new Mirror(api, { resource: configMaps, read: xOf })
  const changes: Change<string>[] = []
  mirror.onChange((change) => {
    changes.push(change)
    t.strictSame(mirror.list().includes(change.after ?? ''), change.after !== null)
  })
  t.equal(mirror.get('shop', 'a'), null)
  t.notOk(mirror.ready())
  running(t, mirror)
  await mirror.synced
  t.ok(mirror.ready())
  t.equal(mirror.get('shop', 'a'), '1')
  await api.apply(configMaps, config('a', '2'), { force: true })
  await api.create(configMaps, config('b', '3'))
  await api.remove(configMaps, 'a', { namespace: 'shop' })
  await when(mirror, () => mirror.get('shop', 'a') === null)
  t.strictSame(changes, [{ before: null, after: '1' }, { before: '1', after: '2' }, { before: null, after: '3' }, { before: '2', after: null }])
  t.strictSame(mirror.list(), ['3'])
})

t.test('a new beginning tells only what differs, and forgets what went meanwhile', async (t) => {
  const api = new FakeKubernetes()
  for (const name of ['a', 'b', 'c']) await api.create(configMaps, config(name, name))
  const mirror = new Mirror(api, { resource: configMaps, read: xOf })
  running(t, mirror)
  await mirror.synced
  const changes: Change<string>[] = []
  mirror.onChange((change) => changes.push(change))
  api.cut()
  await api.remove(configMaps, 'a', { namespace: 'shop' })
  await api.apply(configMaps, config('b', 'new'), { force: true })
  api.resync()
  await when(mirror, () => mirror.get('shop', 'b') === 'new')
  t.strictSame(changes, [{ before: 'a', after: null }, { before: 'b', after: 'new' }])
})

t.test('what its reader does not want is not kept, also where it was wanted before', async (t) => {
  const api = new FakeKubernetes()
  const mirror = new Mirror(api, { resource: configMaps, read: (object) => xOf(object) === 'no' ? null : 'yes' })
  running(t, mirror)
  await api.create(configMaps, config('a', 'yes'))
  await api.create(configMaps, config('b', 'no'))
  await when(mirror, () => mirror.get('shop', 'a') === 'yes')
  await api.apply(configMaps, config('a', 'no'), { force: true })
  await when(mirror, () => mirror.list().length === 0)
})

t.test('10,000 pods are followed one by one', async (t) => {
  const api = new FakeKubernetes()
  for (let i = 0; i < 10_000; i++) api.seed(pods, pod(`p${i}`, `10.0.${i >> 8}.${i & 255}`))
  const directory = new KubernetesPods(api)
  running(t, directory)
  await directory.synced
  t.equal(directory.list().length, 10_000)
  const before = directory.byAddress('10.0.0.7')
  api.seed(pods, pod('p9', '10.9.9.9'))
  await api.remove(pods, 'p8', { namespace: 'shop' })
  await when(directory, () => directory.byUid('uid-p8') === null)
  t.equal(directory.byAddress('10.9.9.9')?.name, 'p9')
  t.equal(directory.byAddress('10.0.0.9'), null)
  t.equal(directory.byAddress('10.0.0.8'), null)
  t.equal(directory.byAddress('10.0.0.7'), before, 'the others are as they were, not made anew')
})

t.test('on a real API server', { skip: withoutCluster('api') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())

  t.test('pods are found by address and uid, until they finish', async (t) => {
    const namespace = await cluster.namespace()
    const directory = new KubernetesPods(api)
    running(t, directory)
    await directory.synced
    t.equal(directory.ready(), true)
    const made = await api.create(pods, { metadata: { name: 'web-0', namespace }, spec: { schedulerName: 'nobody', containers: [{ name: 'autoshield-observer', image: 'none.invalid/none' }] } })
    const uid = made.metadata.uid ?? ''
    await when(directory, () => directory.byUid(uid) !== null)
    t.match(directory.byUid(uid), { namespace, name: 'web-0', addresses: [], observed: true })
    const status = { phase: 'Running', podIP: '10.77.0.1', podIPs: [{ ip: '10.77.0.1' }, { ip: 'fd77::1' }] }
    await api.apply(pods, { metadata: { name: 'web-0', namespace }, status }, { subresource: 'status', force: true })
    await when(directory, () => directory.byAddress('10.77.0.1')?.uid === uid)
    t.equal(directory.byAddress('fd77::1')?.uid, uid)
    await api.apply(pods, { metadata: { name: 'web-0', namespace }, status: { ...status, phase: 'Succeeded' } }, { subresource: 'status', force: true })
    await when(directory, () => directory.byAddress('10.77.0.1') === null)
    t.equal(directory.byUid(uid), null)
  })

  t.test('namespaces are found with their labels', async (t) => {
    const directory = new KubernetesNamespaces(api)
    running(t, directory)
    t.equal(directory.ready(), false)
    await directory.synced
    const namespace = await cluster.namespace({ 'autoshield.dev/injection': 'enabled' })
    await when(directory, () => directory.byName(namespace) !== null)
    t.equal(directory.byName(namespace)?.labels['autoshield.dev/injection'], 'enabled')
    t.equal(directory.byName('no-such'), null)
    await api.apply(namespaces, { metadata: { name: namespace, labels: { 'autoshield.dev/injection': 'disabled' } } }, { force: true })
    await when(directory, () => directory.byName(namespace)?.labels['autoshield.dev/injection'] === 'disabled')
  })
})

const pod = (name: string, ip: string) => ({ metadata: { name, namespace: 'shop', uid: `uid-${name}` }, spec: { containers: [{ name: 'app' }] }, status: { phase: 'Running', podIPs: [{ ip }] } })
