import type { Test } from 'tap'
import type { KubernetesObject } from '../../src/core/kubernetes/object.ts'
import { isRecord } from '../../src/core/kubernetes/read-object.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import type { KubernetesApi, WatchEvent } from '../../src/ports/kubernetes.ts'

export interface ApiUnderTest {
  readonly api: KubernetesApi
  /** Empty of objects of ours, and removed afterwards. */
  readonly namespace: string
}

const { configMaps, deployments, pods, selfSubjectAccessReviews } = RESOURCES

/** What every `KubernetesApi` promises: run against the real API server and against the fake, so that the fake cannot lie. */
export function apiContract (t: Test, start: (t: Test) => Promise<ApiUnderTest>): void {
  t.test('what was created is there, and a second time is a conflict', async (t) => {
    const { api, namespace } = await start(t)
    const made = await api.create(configMaps, config(namespace, 'a', { x: '1' }))
    t.match(made, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace, uid: String, resourceVersion: String, creationTimestamp: String } })
    t.strictSame((await api.get(configMaps, 'a', namespace))?.['data'], { x: '1' })
    t.equal(await api.get(configMaps, 'nobody', namespace), null)
    await t.rejects(api.create(configMaps, config(namespace, 'a')), { code: 'CONFLICT', message: /already exists/ })
  })

  t.test('a dry run says what would be and stores nothing', async (t) => {
    const { api, namespace } = await start(t)
    t.equal((await api.create(configMaps, config(namespace, 'a'), { dryRun: true })).metadata.name, 'a')
    t.equal(await api.get(configMaps, 'a', namespace), null)
    t.strictSame((await api.apply(configMaps, config(namespace, 'a', { x: '1' }), { dryRun: true }))['data'], { x: '1' })
    t.equal(await api.get(configMaps, 'a', namespace), null)
  })

  t.test('whoever replaces an older version is told so', async (t) => {
    const { api, namespace } = await start(t)
    const first = await api.create(configMaps, config(namespace, 'a', { x: '1' }))
    const second = await api.replace(configMaps, { ...first, data: { x: '2' } })
    t.not(second.metadata.resourceVersion, first.metadata.resourceVersion)
    await t.rejects(api.replace(configMaps, { ...first, data: { x: '3' } }), { code: 'CONFLICT' })
    const { resourceVersion: _, ...metadata } = first.metadata
    await t.rejects(api.replace(configMaps, { ...first, metadata: { ...metadata, name: 'nobody' } }), { code: 'NOT_FOUND' })
    t.strictSame((await api.get(configMaps, 'a', namespace))?.['data'], { x: '2' })
  })

  t.test('apply makes what is not there, changes what is ours and drops what we no longer want', async (t) => {
    const { api, namespace } = await start(t)
    await api.apply(configMaps, config(namespace, 'a', { x: '1', y: '1' }))
    const next = await api.apply(configMaps, config(namespace, 'a', { x: '2' }))
    t.strictSame(next['data'], { x: '2' })
    const same = await api.apply(configMaps, config(namespace, 'a', { x: '2' }))
    t.equal(same.metadata.resourceVersion, next.metadata.resourceVersion, 'the same again writes nothing')
  })

  t.test('a field of another manager is a conflict, and is taken only by force', async (t) => {
    const { api, namespace } = await start(t)
    await api.apply(configMaps, config(namespace, 'a', { x: '1', y: '1' }))
    await t.rejects(api.apply(configMaps, config(namespace, 'a', { x: '2' }), { fieldManager: 'autoshield-other' }), { code: 'CONFLICT', message: /conflict/ })
    await api.apply(configMaps, config(namespace, 'a', { z: '1' }), { fieldManager: 'autoshield-other' })
    await api.apply(configMaps, config(namespace, 'a', { x: '2', z: '1' }), { fieldManager: 'autoshield-other', force: true })
    const left = await api.apply(configMaps, config(namespace, 'a', { y: '1' }))
    t.strictSame(left['data'], { x: '2', y: '1', z: '1' }, 'what was taken from us is no longer ours to drop')
  })

  t.test('what a plain write changed is no longer the applier\'s', async (t) => {
    const { api, namespace } = await start(t)
    const made = await api.apply(configMaps, config(namespace, 'a', { x: '1', y: '1' }))
    await api.replace(configMaps, { ...made, data: { x: '2', y: '1' } })
    await t.rejects(api.apply(configMaps, config(namespace, 'a', { x: '1', y: '1' })), { code: 'CONFLICT' })
    t.strictSame((await api.apply(configMaps, config(namespace, 'a', { x: '1', y: '1' }), { force: true }))['data'], { x: '1', y: '1' })
  })

  t.test('status is written by its own door, and the generation counts the specs', async (t) => {
    const { api, namespace } = await start(t)
    const made = await api.create(pods, { ...pod(namespace, 'none.invalid/a'), status: { message: 'at birth' } })
    t.equal(made.metadata.generation, 1)
    t.not(statusOf(made)['message'], 'at birth')
    const reported = await api.apply(pods, { metadata: { name: 'p', namespace }, status: { message: 'said' } }, { subresource: 'status' })
    t.match(reported, { metadata: { generation: 1 }, status: { message: 'said' } })
    const changed = await api.apply(pods, { ...pod(namespace, 'none.invalid/b'), status: { message: 'by the wrong door' } }, { force: true })
    t.match(changed, { metadata: { generation: 2 }, status: { message: 'said' } })
    const replaced = await api.replace(pods, { ...changed, status: { message: 'replaced' } }, { subresource: 'status' })
    t.match(replaced, { metadata: { generation: 2 }, status: { message: 'replaced' }, spec: { containers: [{ image: 'none.invalid/b' }] } })
  })

  t.test('containers are merged by name', async (t) => {
    const { api, namespace } = await start(t)
    await api.apply(deployments, deployment(namespace, 1, ['a']))
    const both = await api.apply(deployments, deployment(namespace, null, ['b']), { fieldManager: 'autoshield-other' })
    t.strictSame(containersOf(both), ['a', 'b'])
    t.strictSame(containersOf(await api.apply(deployments, deployment(namespace, null, []), { fieldManager: 'autoshield-other', force: true })), ['a'])
  })

  t.test('what is removed is gone, once, and only if it is the one that was meant', async (t) => {
    const { api, namespace } = await start(t)
    const { metadata: { uid } } = await api.create(configMaps, config(namespace, 'a'))
    await t.rejects(api.remove(configMaps, 'a', { namespace, uid: '00000000-0000-0000-0000-000000000000' }), { code: 'CONFLICT' })
    t.equal(await api.remove(configMaps, 'a', { namespace, ...(uid !== undefined && { uid }) }), true)
    t.equal(await api.remove(configMaps, 'a', { namespace }), false)
    t.equal(await api.get(configMaps, 'a', namespace), null)
  })

  t.test('what has a finalizer waits for it', async (t) => {
    const { api, namespace } = await start(t)
    await api.create(configMaps, { metadata: { name: 'a', namespace, finalizers: ['autoshield.dev/test'] } })
    t.equal(await api.remove(configMaps, 'a', { namespace }), true)
    const dying = await api.get(configMaps, 'a', namespace)
    if (dying === null) return t.fail('it is still there')
    t.type(dying.metadata.deletionTimestamp, 'string')
    await api.replace(configMaps, { ...dying, metadata: { ...dying.metadata, finalizers: [] } })
    t.equal(await api.get(configMaps, 'a', namespace), null)
  })

  t.test('a list is what the scope asks for', async (t) => {
    const { api, namespace } = await start(t)
    for (const [name, labels] of [['a', { tier: 'web' }], ['b', { tier: 'db' }], ['c', {}]] as const) {
      await api.create(configMaps, { metadata: { name, namespace, labels: { ...labels, test: 'list' } } })
    }
    const named = async (labelSelector: string) => (await api.list(configMaps, { namespace, labelSelector })).map(({ metadata }) => metadata.name).sort()
    t.strictSame(await named('test=list'), ['a', 'b', 'c'])
    t.strictSame(await named('test=list,tier=web'), ['a'])
    t.strictSame(await named('tier'), ['a', 'b'])
    t.strictSame(await named('test=list,!tier'), ['c'])
    t.strictSame(await named('tier in (web, db)'), ['a', 'b'])
    t.strictSame(await named('test=list,tier notin (web)'), ['b', 'c'])
    t.strictSame(await named('test=list,tier!=web'), ['b', 'c'])
    t.strictSame((await api.list(configMaps, { namespace, fieldSelector: 'metadata.name=b' })).map(({ metadata, kind }) => [kind, metadata.name]), [['ConfigMap', 'b']])
    t.strictSame(await api.list(pods, { namespace }), [])
  })

  t.test('a watch opens with all there is and brings what comes, changes and goes, in order', async (t) => {
    const { api, namespace } = await start(t)
    await api.create(configMaps, labelled(namespace, 'a', 'seen'))
    const stopping = new AbortController()
    const watch = api.watch(configMaps, { namespace, labelSelector: 'watch=seen' }, stopping.signal)[Symbol.asyncIterator]()
    t.strictSame(namesIn(await watch.next()), ['synced', 'a'])
    const made = await api.create(configMaps, labelled(namespace, 'b', 'seen'))
    await api.create(configMaps, labelled(namespace, 'c', 'unseen'))
    await api.replace(configMaps, { ...made, data: { x: '1' } })
    await api.apply(configMaps, labelled(namespace, 'a', 'unseen'), { force: true })
    await api.remove(configMaps, 'b', { namespace })
    t.strictSame(namesIn(await watch.next()), ['put', 'b'])
    t.strictSame(namesIn(await watch.next()), ['put', 'b'])
    t.strictSame(namesIn(await watch.next()), ['gone', 'a'], 'it left the selection')
    t.strictSame(namesIn(await watch.next()), ['gone', 'b'])
    const waiting = watch.next()
    stopping.abort()
    t.equal((await waiting).done, true, 'it ends at once where it is aborted')
  })

  t.test('a watch keeps only what its reader makes of an object', async (t) => {
    const { api, namespace } = await start(t)
    await api.create(configMaps, labelled(namespace, 'a', 'read'))
    const stopping = new AbortController()
    const watch = api.watch(configMaps, { namespace, labelSelector: 'watch=read' }, stopping.signal, ({ metadata }) => metadata.name)[Symbol.asyncIterator]()
    t.match((await watch.next()).value, { type: 'synced', objects: ['a'], resourceVersion: String })
    await api.create(configMaps, labelled(namespace, 'b', 'read'))
    t.strictSame((await watch.next()).value, { type: 'put', object: 'b' })
    stopping.abort()
    t.equal((await watch.next()).done, true)
  })

  t.test('a review is answered and not kept, and a path that is not served is not found', async (t) => {
    const { api } = await start(t)
    const review = await api.create(selfSubjectAccessReviews, { spec: { resourceAttributes: { verb: 'list', resource: 'pods' } } })
    t.equal(review.kind, 'SelfSubjectAccessReview')
    t.match(await api.text('/version'), /"gitVersion"/)
    await t.rejects(api.text('/no/such/path'), { code: 'NOT_FOUND' })
  })
}

const config = (namespace: string, name: string, data: Record<string, string> = {}) => ({ metadata: { name, namespace }, data })
const labelled = (namespace: string, name: string, watch: string) => ({ metadata: { name, namespace, labels: { watch } } })

/** null replicas: another manager's part, which says nothing of them. */
function deployment (namespace: string, replicas: number | null, names: readonly string[] = ['a']): object {
  return {
    metadata: { name: 'd', namespace },
    spec: {
      ...(replicas !== null && { replicas, selector: { matchLabels: { app: 'd' } } }),
      paused: true,
      template: { metadata: { labels: { app: 'd' } }, spec: { ...(names.length > 0 && { containers: names.map((name) => ({ name, image: 'none.invalid/none' })) }) } },
    },
  }
}

/** No scheduler touches it, so that nobody but the test writes its status. */
const pod = (namespace: string, image: string) => ({ metadata: { name: 'p', namespace }, spec: { schedulerName: 'nobody', containers: [{ name: 'a', image }] } })
const statusOf = (object: KubernetesObject): Record<string, unknown> => ({ ...object['status'] as object | undefined })

function containersOf (object: KubernetesObject): unknown[] {
  const containers = ['spec', 'template', 'spec', 'containers'].reduce<unknown>((at, field) => isRecord(at) ? at[field] : undefined, object)
  return Array.isArray(containers) ? containers.map((container: unknown) => isRecord(container) ? container['name'] : undefined) : []
}

function namesIn ({ value, done }: IteratorResult<WatchEvent, unknown>): string[] {
  if (done === true) return ['done']
  return value.type === 'synced' ? ['synced', ...value.objects.map(({ metadata }) => metadata.name)] : [value.type, value.object.metadata.name]
}
