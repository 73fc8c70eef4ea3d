import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { KubernetesMitigations } from '../../../src/adapters/kubernetes/mitigations.ts'
import { openKubernetes } from '../../../src/adapters/kubernetes/open-kubernetes.ts'
import { putBack } from '../../../src/adapters/kubernetes/put-back.ts'
import { UNDO_ANNOTATION, undoAsked } from '../../../src/adapters/kubernetes/undo-asked.ts'
import { AutoshieldError } from '../../../src/core/errors.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import type { KubernetesApi } from '../../../src/ports/kubernetes.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'
import { until } from '../../xds/real-envoy.ts'
import { testCluster, withoutCluster } from '../../real/cluster/test-cluster.ts'
import { mitigationContract } from '../store/mitigation-contract.ts'
import { sampleMitigation } from '../store/samples.ts'

const CRD = new URL('../../../deploy/chart/crds/mitigations.yaml', import.meta.url)

/** A collection that runs and has seen everything; the function ends it. */
async function opened (api: KubernetesApi, namespace: string, retention: number): Promise<[KubernetesMitigations, () => Promise<void>]> {
  const collection = new KubernetesMitigations(api, { namespace, retention })
  const stopping = new AbortController()
  const run = collection.run(stopping.signal)
  await collection.synced
  return [collection, async () => {
    stopping.abort()
    await run
  }]
}

function contractOn (t: Test, place: () => Promise<{ api: KubernetesApi, namespace: string }>): void {
  mitigationContract(t, async (t, retention) => {
    const { api, namespace } = await place()
    let [collection, close] = await opened(api, namespace, retention)
    t.teardown(async () => close())
    return {
      collection: () => collection,
      writes: 60,
      slack: 32,
      reopen: async () => {
        await close();
        [collection, close] = await opened(api, namespace, retention)
      },
    }
  })
}

t.test('in memory', async (t) => {
  contractOn(t, async () => ({ api: new FakeKubernetes(), namespace: 'autoshield' }))
})

t.test('a mitigation in force that somebody deletes comes back; one that has ended stays away', async (t) => {
  const api = new FakeKubernetes()
  const [mitigations, close] = await opened(api, 'autoshield', 10)
  t.teardown(close)
  const told = Promise.withResolvers<string>()
  const listening = putBack(mitigations, (name, error) => told.resolve(error === null ? name : error.message))
  t.teardown(() => listening[Symbol.dispose]())
  const active = sampleMitigation('kept')
  await mitigations.put('kept', active)
  await mitigations.put('over', { ...active, status: { ...active.status, phase: 'expired' } })
  await api.remove(RESOURCES.mitigations, 'over', { namespace: 'autoshield' })
  await api.remove(RESOURCES.mitigations, 'kept', { namespace: 'autoshield' })
  t.equal(await told.promise, 'kept')
  t.strictSame(mitigations.list().map(({ metadata }) => metadata.name), ['kept'])
})

t.test('while the API server is away a write is refused and changes nothing', async (t) => {
  const api = new FakeKubernetes()
  const [collection, close] = await opened(api, 'autoshield', 10)
  t.teardown(close)
  await collection.put('a', sampleMitigation('a'))
  api.fault = () => new AutoshieldError('UNAVAILABLE', 'away')
  await t.rejects(collection.put('a', sampleMitigation('a', 'reverted')), { code: 'UNAVAILABLE' })
  await t.rejects(collection.put('b', sampleMitigation('b')), { code: 'UNAVAILABLE' })
  t.strictSame(collection.list().map(({ metadata, status }) => [metadata.name, status.phase]), [['a', 'active']])
  api.fault = null
  await collection.put('a', sampleMitigation('a', 'reverted'))
  t.equal(collection.get('a')?.status.phase, 'reverted')
})

t.test('a mitigation without its status is unfinished: nobody sees it, and writing it again ends it', async (t) => {
  const api = new FakeKubernetes()
  const [collection, close] = await opened(api, 'autoshield', 10)
  t.teardown(close)
  api.fault = ({ subresource }) => subresource === 'status' ? new AutoshieldError('UNAVAILABLE', 'away') : null
  await t.rejects(collection.put('a', sampleMitigation('a')), { code: 'UNAVAILABLE' })
  t.equal(collection.get('a'), null)
  t.strictSame(collection.list(), [])
  api.fault = null
  await collection.put('a', sampleMitigation('a'))
  t.equal(collection.get('a')?.status.phase, 'active')
})

t.test('what a dead writer left unfinished is removed by the next, and nothing else is', async (t) => {
  const api = new FakeKubernetes()
  const [dead, close] = await opened(api, 'autoshield', 10)
  await dead.put('whole', sampleMitigation('whole'))
  api.fault = ({ subresource }) => subresource === 'status' ? new AutoshieldError('UNAVAILABLE', 'it died') : null
  await t.rejects(dead.put('half', sampleMitigation('half')))
  await close()
  api.fault = null
  await api.apply(RESOURCES.mitigations, { metadata: { name: 'of-a-person', namespace: 'autoshield' } }, { fieldManager: 'kubectl' })
  const [next, closeNext] = await opened(api, 'autoshield', 10)
  t.teardown(closeNext)
  await next.removeUnfinished()
  t.strictSame((await api.list(RESOURCES.mitigations)).map(({ metadata }) => metadata.name).toSorted(), ['of-a-person', 'whole'])
  t.equal(next.get('whole')?.status.phase, 'active')
})

t.test('a change of status is one request', async (t) => {
  const api = new FakeKubernetes()
  const [collection, close] = await opened(api, 'autoshield', 10)
  t.teardown(close)
  await collection.put('a', sampleMitigation('a'))
  api.calls.length = 0
  await collection.put('a', sampleMitigation('a', 'expired'))
  t.strictSame(api.calls.map(({ verb, subresource }) => [verb, subresource]), [['apply', 'status']])
})

t.test('one that is annotated is to be undone, once, with its reason, and those that were annotated before too', async (t) => {
  const api = new FakeKubernetes()
  const [collection, close] = await opened(api, 'autoshield', 10)
  t.teardown(close)
  const annotated = async (name: string, reason: string) => api.apply(RESOURCES.mitigations, { metadata: { name, namespace: 'autoshield', annotations: { [UNDO_ANNOTATION]: reason } } }, { fieldManager: 'kubectl-annotate' })
  for (const name of ['before', 'after', 'blank', 'ended']) await collection.put(name, sampleMitigation(name, name === 'ended' ? 'expired' : 'active'))
  await annotated('before', 'a backup')
  await until('the mirror shows it', () => collection.get('before')?.metadata.annotations[UNDO_ANNOTATION])
  const told: string[] = []
  let refused = 0
  const listening = undoAsked(collection, async (name, reason) => {
    if (name === 'blank' && refused++ === 0) throw new Error('not now')
    told.push(`${name}: ${reason}`)
  })
  t.teardown(() => listening[Symbol.dispose]())
  for (const [name, reason] of [['after', 'wrong pod'], ['blank', ' '], ['ended', 'x']] as const) await annotated(name, reason)
  await until('the first try', () => refused === 1 || undefined)
  await collection.put('after', sampleMitigation('after'))
  await annotated('blank', '')
  await until('the second try', () => told.length === 3 || undefined)
  t.strictSame(told.sort(), ['after: wrong pod', 'before: a backup', 'blank: asked for on its object'])
})

t.test('on a real API server', { skip: withoutCluster('api') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  await api.apply(RESOURCES.customResourceDefinitions, parse(await readFile(CRD, 'utf8')), { force: true })
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/mitigations.autoshield.dev'])
  contractOn(t, async () => ({ api, namespace: await cluster.namespace() }))

  t.test('what somebody deletes is gone here, and writing it again brings it back', async (t) => {
    const namespace = await cluster.namespace()
    const [collection, close] = await opened(api, namespace, 10)
    t.teardown(close)
    await collection.put('a', sampleMitigation('a'))
    const { promise: gone, resolve } = Promise.withResolvers<undefined>()
    collection.onChange(({ after }) => { if (after === null) resolve(undefined) })
    await cluster.kubectl(['delete', 'mit', 'a', '-n', namespace])
    await gone
    t.equal(collection.get('a'), null)
    await collection.put('a', sampleMitigation('a', 'expired'))
    t.match(await cluster.kubectl(['get', 'mit', 'a', '-n', namespace]), /expired/)
  })
})
