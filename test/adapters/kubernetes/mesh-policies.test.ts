import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { KubernetesMeshPolicies } from '../../../src/adapters/kubernetes/mesh-policies.ts'
import { openKubernetes } from '../../../src/adapters/kubernetes/open-kubernetes.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import type { KubernetesApi } from '../../../src/ports/kubernetes.ts'
import { madeSpec } from '../../core/rollout/made-policy.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'
import { testCluster, withoutCluster } from '../../real/cluster/test-cluster.ts'
import { until } from '../../xds/real-envoy.ts'
import { meshPolicyContract } from '../store/mesh-policy-contract.ts'

const CRD = new URL('../../../deploy/chart/crds/meshpolicies.yaml', import.meta.url)

async function opened (api: KubernetesApi, namespace: string): Promise<[KubernetesMeshPolicies, () => Promise<void>]> {
  const policies = new KubernetesMeshPolicies(api, { namespace })
  const stopping = new AbortController()
  const run = policies.run(stopping.signal)
  await policies.synced
  return [policies, async () => {
    stopping.abort()
    await run
  }]
}

function contractOn (t: Test, place: () => Promise<{ api: KubernetesApi, namespace: string }>): void {
  meshPolicyContract(t, async (t) => {
    const { api, namespace } = await place()
    let [policies, close] = await opened(api, namespace)
    t.teardown(async () => close())
    return {
      policies: () => policies,
      ask: async (name, spec) => {
        const { metadata: { generation } } = await api.apply(RESOURCES.meshPolicies, { metadata: { name, namespace }, spec }, { fieldManager: 'somebody', force: true })
        await until('the mirror shows it', () => (policies.get(name)?.metadata.generation ?? 0) >= (generation ?? 1) || undefined)
      },
      reopen: async () => {
        await close();
        [policies, close] = await opened(api, namespace)
      },
    }
  })
}

t.test('in memory', async (t) => {
  contractOn(t, async () => ({ api: new FakeKubernetes(), namespace: 'autoshield' }))
})

t.test('a policy of another version is not there, and a status of another version begins anew', async (t) => {
  const api = new FakeKubernetes()
  api.seed(RESOURCES.meshPolicies, { metadata: { name: 'strange', namespace: 'autoshield' }, spec: { restrictions: 'none' } })
  api.seed(RESOURCES.meshPolicies, { metadata: { name: 'older', namespace: 'autoshield' }, spec: madeSpec(), status: { stage: 'all' } })
  const [policies, close] = await opened(api, 'autoshield')
  t.teardown(close)
  t.match(policies.list(), [{ metadata: { name: 'older' }, status: { stage: 'observe' } }])
})

t.test('on a real API server', { skip: withoutCluster('api') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  await api.apply(RESOURCES.customResourceDefinitions, parse(await readFile(CRD, 'utf8')), { force: true })
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/meshpolicies.autoshield.dev'])
  contractOn(t, async () => ({ api, namespace: await cluster.namespace() }))

  t.test('what a person leaves out is filled in there, and what contradicts itself is refused in words', async (t) => {
    const namespace = await cluster.namespace()
    const manifest = (restrictions: object[]) => ({ metadata: { name: 'a', namespace }, spec: { restrictions } })
    const scans = { name: 'scans', class: 'PORT_SCAN', action: 'deny' }
    const stored = await api.apply(RESOURCES.meshPolicies, manifest([scans]), { dryRun: true })
    t.strictSame(stored['spec'], madeSpec(), 'as the standalone loop fills it in')
    await t.rejects(api.apply(RESOURCES.meshPolicies, manifest([{ ...scans, action: 'limit' }]), { dryRun: true }), { code: 'BAD_DATA', message: /limit belongs to the action limit/ })
    await t.rejects(api.apply(RESOURCES.meshPolicies, manifest([]), { dryRun: true }), { code: 'BAD_DATA' })
    await t.rejects(api.create(RESOURCES.meshPolicies, { metadata: { name: 'a', namespace }, spec: { restrictions: [scans, scans] } }, { dryRun: true }), { code: 'BAD_DATA', message: /Duplicate/ })
  })
})
