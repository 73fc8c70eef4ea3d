import t from 'tap'
import { openKubernetes } from '../../../src/adapters/kubernetes/open-kubernetes.ts'
import { RESOURCES } from '../../../src/core/kubernetes/resource.ts'
import { apiContract } from '../../kubernetes/api-contract.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'
import { testCluster, withoutCluster } from '../../real/cluster/test-cluster.ts'

t.test('the fake', async (t) => {
  apiContract(t, async () => {
    const api = new FakeKubernetes()
    api.texts.set('/version', '{"gitVersion": "v1.34.0"}')
    return { api, namespace: 'test' }
  })
})

t.test('a real API server', { skip: withoutCluster('api') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  apiContract(t, async () => ({ api, namespace: await cluster.namespace() }))

  t.test('what must not be, is refused in the API server\'s own words', async (t) => {
    const namespace = await cluster.namespace({ 'pod-security.kubernetes.io/enforce': 'restricted' })
    await t.rejects(api.create(RESOURCES.configMaps, { metadata: { name: 'A_', namespace } }), { code: 'BAD_DATA', message: /lowercase RFC 1123/ })
    await t.rejects(api.create(RESOURCES.pods, { metadata: { name: 'a', namespace }, spec: { hostNetwork: true, containers: [{ name: 'a', image: 'none' }] } }), { code: 'BAD_DATA', message: /violates PodSecurity/ })
    await t.rejects(api.create(RESOURCES.configMaps, { metadata: { name: 'a', namespace: 'no-such-namespace' } }), { code: 'NOT_FOUND', message: /no-such-namespace/ })
    const unknown = { group: 'autoshield.dev', version: 'v0', plural: 'nothings', kind: 'Nothing', namespaced: true }
    await t.rejects(api.get(unknown, 'a', namespace), { code: 'NOT_FOUND', message: /Nothing/ })
    await t.rejects(api.list(unknown), { code: 'NOT_FOUND' })
  })
})
