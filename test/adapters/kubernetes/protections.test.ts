import t from 'tap'
import { KubernetesNamespaces } from '../../../src/adapters/kubernetes/namespaces.ts'
import { KubernetesNodes } from '../../../src/adapters/kubernetes/nodes.ts'
import { openKubernetes } from '../../../src/adapters/kubernetes/open-kubernetes.ts'
import { KubernetesPods } from '../../../src/adapters/kubernetes/pods.ts'
import { KubernetesProtections } from '../../../src/adapters/kubernetes/protections.ts'
import { DEFAULT_SAFETY_FILE } from '../../../src/core/safety/settings.ts'
import { testCluster, withoutCluster } from '../../real/cluster/test-cluster.ts'
import { until } from '../../xds/real-envoy.ts'

t.test('on a real API server', { skip: withoutCluster('api') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  const namespace = await cluster.namespace()
  const create = async (...objects: object[]): Promise<void> => {
    for (const object of objects) await cluster.kubectl(['create', '-f', '-'], { stdin: JSON.stringify(object) })
  }
  const pods = new KubernetesPods(api)
  const namespaces = new KubernetesNamespaces(api)
  const nodes = new KubernetesNodes(api)
  const protections = new KubernetesProtections(api, { namespace: 'shield', settings: DEFAULT_SAFETY_FILE, pods, namespaces, nodes, nameservers: [] })
  const stopping = new AbortController()
  const running = Promise.all([pods.run(stopping.signal), namespaces.run(stopping.signal), nodes.run(stopping.signal), protections.run(stopping.signal)])
  t.teardown(async () => {
    stopping.abort()
    await running
  })
  await Promise.all([pods.synced, namespaces.synced, nodes.synced, protections.synced])
  t.ok(protections.ready())
  const known = (by: string) => protections.now().list.filter((one) => one.by === by)

  t.test('the API server is found by what answers for Service default/kubernetes', async (t) => {
    const { hostname } = new URL(cluster.server)
    t.ok(await until('its address', () => known('api-server').some(({ name }) => name === hostname) || undefined))
  })

  t.test('a webhook\'s back end is protected while the API server calls it, and no longer', async (t) => {
    const configuration = `protections-${namespace}`
    await create(
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'gate', namespace }, spec: { ports: [{ port: 443 }] } },
      { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'gate-1', namespace, labels: { 'kubernetes.io/service-name': 'gate' } }, addressType: 'IPv4', endpoints: [{ addresses: ['10.9.8.7'] }], ports: [{ port: 8443 }] }
    )
    t.equal(protections.now().ofAddress('10.9.8.7'), null)
    await create({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: configuration },
      webhooks: [{ name: 'a.example.com', admissionReviewVersions: ['v1'], sideEffects: 'None', failurePolicy: 'Ignore', clientConfig: { service: { namespace, name: 'gate' } }, rules: [] }],
    })
    t.teardown(() => cluster.kubectl(['delete', 'validatingwebhookconfiguration', configuration, '--ignore-not-found']))
    await until('its back end', () => protections.now().ofAddress('10.9.8.7') ?? undefined)
    t.match(protections.now().ofAddress('10.9.8.7'), { by: 'webhook', how: `10.9.8.7 is of Service ${namespace}/gate. The API server asks it about changes (ValidatingWebhookConfiguration ${configuration}).` })
    await cluster.kubectl(['delete', 'validatingwebhookconfiguration', configuration])
    await until('it is forgotten', () => protections.now().ofAddress('10.9.8.7') === null || undefined)
  })

  t.test('an aggregated API\'s back end is protected', async () => {
    const name = `v1.${namespace}.example.com`
    await create(
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'served', namespace }, spec: { clusterIP: 'None', ports: [{ port: 443 }] } },
      { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'served-1', namespace, labels: { 'kubernetes.io/service-name': 'served' } }, addressType: 'IPv6', endpoints: [{ addresses: ['fd00::99'] }], ports: [{ port: 8443 }] },
      { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name }, spec: { group: `${namespace}.example.com`, version: 'v1', groupPriorityMinimum: 100, versionPriority: 1, service: { namespace, name: 'served' }, insecureSkipTLSVerify: true } }
    )
    t.teardown(() => cluster.kubectl(['delete', 'apiservice', name]))
    await until('its back end', () => protections.now().ofAddress('fd00::99')?.by === 'aggregated-api' || undefined)
  })

  t.test('a namespace is protected from the moment that it is labelled', async () => {
    await cluster.kubectl(['label', 'namespace', namespace, 'autoshield.dev/protected=true'])
    await until('the namespace', () => known('operator').some(({ name }) => name === namespace) || undefined)
  })
})
