import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { registrationObjects, type WebhookConfiguration } from '../../src/controller/registration/registration-objects.ts'
import { LABELS } from '../../src/core/injection/names.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import type { KubernetesApi } from '../../src/ports/kubernetes.ts'
import { type Recorded, RecordingWebhook } from '../controller/registration/recording-webhook.ts'
import { type TestCluster, testCluster, withoutCluster } from './cluster/test-cluster.ts'

const skip = withoutCluster('api')

const unique = (): string => randomBytes(4).toString('hex')

/** Under a name of the test's own: other tests of the suite use the same cluster, and its default revision. */
const renamed = (configuration: WebhookConfiguration, suffix: string): WebhookConfiguration =>
  ({ ...configuration, metadata: { ...configuration.metadata, name: `${configuration.metadata.name}-${suffix}`, labels: {} } })

const podIn = (namespace: string, name: string, labels: Readonly<Record<string, string>>): object =>
  ({ metadata: { namespace, name, labels }, spec: { containers: [{ name: 'app', image: 'none.invalid/app:1' }] } })

/** Asks until it is so; the API server learns of webhooks by its own watch. */
async function until (is: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await is()) return
    await new Promise((resolve) => { setTimeout(resolve, 50) })
  }
  throw new Error('it did not come to be so in 5 s')
}

async function namespaceWith (cluster: TestCluster, labels: Readonly<Record<string, string>>): Promise<string> {
  const name = await cluster.namespace(labels)
  await cluster.kubectl(['wait', '--for=create', 'serviceaccount/default', '--namespace', name, '--timeout=20s']) // pods are refused before
  return name
}

const set = (labels: Readonly<Record<string, string | null>>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).flatMap(([key, value]) => value === null ? [] : [[key, value]]))

t.test('each pod reaches the webhook of the revision that serves it once, and no other', { skip }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  using api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  const suffix = unique()
  const canary = `canary-${suffix}`
  const webhooks = new Map<string, RecordingWebhook>()
  await using stack = new AsyncDisposableStack()
  for (const revision of ['default', canary]) {
    const webhook = stack.use(await RecordingWebhook.start(cluster.host))
    const { mutating } = registrationObjects({ revision, excludedNamespaces: [], ownNamespace: 'autoshield', backend: { kind: 'url', url: webhook.url } }, webhook.bundle)
    const configuration = renamed(mutating, suffix)
    stack.defer(async () => { await api.remove(RESOURCES.mutatingWebhooks, configuration.metadata.name) })
    await api.apply(RESOURCES.mutatingWebhooks, configuration)
    webhooks.set(revision, webhook)
  }

  /** Which webhooks the creation of a pod met, in order. */
  const met = async (namespace: string, labels: Readonly<Record<string, string>>): Promise<string[]> => {
    await api.create(RESOURCES.pods, podIn(namespace, 'pod', labels), { dryRun: true })
    return [...webhooks].flatMap(([revision, webhook]) => webhook.take().filter((request) => request.namespace === namespace).map(() => revision))
  }

  const revisions = [null, 'default', canary, 'nobody']
  const probe = await namespaceWith(cluster, {})
  for (const revision of ['default', canary]) await until(async () => (await met(probe, { [LABELS.inject]: 'true', [LABELS.revision]: revision })).length > 0)

  const kinds = [null, 'enabled', 'required', 'disabled', 'yes-please'].flatMap((injection) => revisions.map((ofNamespace) => ({ injection, ofNamespace })))
  const namespaces = await Promise.all(kinds.map(async (kind) =>
    ({ ...kind, namespace: await namespaceWith(cluster, set({ [LABELS.injection]: kind.injection, [LABELS.revision]: kind.ofNamespace })) })))
  for (const { namespace, injection, ofNamespace } of namespaces) {
    for (const inject of [null, 'true', 'false', 'perhaps']) {
      for (const ofPod of revisions) {
        const asks = injection === 'required' || inject === 'true' || (injection === 'enabled' && inject !== 'false')
        const revision = (injection === 'required' ? null : ofPod) ?? ofNamespace ?? 'default'
        const expected = asks && revision !== 'nobody' ? [revision] : []
        t.same(await met(namespace, set({ [LABELS.inject]: inject, [LABELS.revision]: ofPod })), expected,
          `namespace injection=${String(injection)} rev=${String(ofNamespace)}, pod inject=${String(inject)} rev=${String(ofPod)}`)
      }
    }
  }

  await t.test('a namespace moves over by its label, and its pods with it', async (t) => {
    const namespace = await namespaceWith(cluster, { [LABELS.injection]: 'enabled' })
    t.same(await met(namespace, {}), ['default'])
    await cluster.kubectl(['label', 'namespace', namespace, `${LABELS.revision}=${canary}`])
    await until(async () => (await met(namespace, {})).join() === canary)
    await cluster.kubectl(['label', 'namespace', namespace, `${LABELS.revision}-`])
    await until(async () => (await met(namespace, {})).join() === 'default')
  })

  await t.test('neither mirror pods nor the pods of excluded namespaces come to us', async (t) => {
    const namespace = await namespaceWith(cluster, { [LABELS.injection]: 'required' })
    const pod = podIn(namespace, 'mirror', {}) as { metadata: object }
    await api.create(RESOURCES.pods, { ...pod, metadata: { ...pod.metadata, annotations: { 'kubernetes.io/config.mirror': 'x' } } }, { dryRun: true }).catch(() => undefined)
    t.same([...webhooks.values()].flatMap((webhook) => webhook.take()).filter((request) => request.namespace === namespace), [])
    await until(async () => (await met(namespace, {})).length === 1)
    t.same(await met('kube-system', { [LABELS.inject]: 'true' }), [])
  })
})

/** What the audit was asked about by one act, each once: the API server and kubectl repeat what met a conflict. What the cluster does by itself is left out. */
async function auditedBy (webhook: RecordingWebhook, namespace: string, act: () => Promise<unknown>): Promise<string[]> {
  webhook.take()
  await act()
  const says = ({ operation, resource, subResource }: Recorded): string => [operation, resource.resource, ...(subResource === undefined ? [] : [subResource])].join(' ')
  const asked = webhook.take().filter((request) => request.userInfo.username.endsWith(':test') || (request.namespace === namespace && !/^system:(?:serviceaccount:kube-system|kube-|apiserver)/.test(request.userInfo.username))).map(says)
  return [...new Set(asked)]
}

async function auditOf (t: Test): Promise<{ cluster: TestCluster, api: KubernetesApi, webhook: RecordingWebhook, namespace: string }> {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  const webhook = await RecordingWebhook.start(cluster.host)
  const namespace = await namespaceWith(cluster, {})
  const { validating } = registrationObjects({ revision: unique(), excludedNamespaces: [], ownNamespace: namespace, backend: { kind: 'url', url: webhook.url } }, webhook.bundle)
  const configuration = renamed(validating, unique())
  t.teardown(async () => {
    await api.remove(RESOURCES.validatingWebhooks, configuration.metadata.name)
    api[Symbol.dispose]()
    await webhook[Symbol.asyncDispose]()
  })
  await api.apply(RESOURCES.validatingWebhooks, configuration)
  await until(async () => {
    await api.create(RESOURCES.pods, podIn(namespace, 'probe', {}), { dryRun: true })
    return webhook.take().length > 0
  })
  return { cluster, api, webhook, namespace }
}

t.test('the audit is asked about what people do, and not about what follows from it', { skip }, async (t) => {
  const { cluster, api, webhook, namespace } = await auditOf(t)
  const { kubectl } = cluster
  const audited = async (act: () => Promise<unknown>): Promise<string[]> => auditedBy(webhook, namespace, act)
  const node = ['--as=system:node:n1', '--as-group=system:nodes', '--as-group=system:masters']
  // Test users end in ":test" or are named by the conditions; the group is what gives them rights.
  const controller = ['--as=system:serviceaccount:kube-system:test', '--as-group=system:serviceaccounts:kube-system', '--as-group=system:masters']
  const ours = [`--as=system:serviceaccount:${namespace}:autoshield-controller`, '--as-group=system:masters']
  const bound = (name: string): object => ({ ...podIn(namespace, name, {}), spec: { nodeName: 'n1', containers: [{ name: 'app', image: 'none.invalid/app:1' }] } })
  const remove = (name: string, ...flags: string[]): Promise<string> => kubectl(['delete', 'pod', name, '--namespace', namespace, '--wait=false', ...flags])

  await t.test('a pod, its deletion, and a command in it', async (t) => {
    t.same(await audited(async () => api.create(RESOURCES.pods, bound('one'))), ['CREATE pods'])
    t.same(await audited(async () => kubectl(['exec', '--namespace', namespace, 'one', '--', 'id']).catch(() => undefined)), ['CONNECT pods exec'], 'though there is no node n1')
    t.same(await audited(async () => remove('one')), ['DELETE pods'])
    t.same(await audited(async () => remove('one', '--grace-period=0', '--force', ...node)), [], 'the kubelet ends what somebody else began')
    await api.create(RESOURCES.pods, bound('two'))
    t.same(await audited(async () => remove('two', '--grace-period=0', '--force', ...node)), ['DELETE pods'], 'a node that begins it is audited')
  })

  await t.test('controllers\' bookkeeping is left out, what changes spec or labels is not', async (t) => {
    const deployment = ['deployment', 'web', '--namespace', namespace]
    t.match(await audited(async () => kubectl(['create', ...deployment, '--image=none.invalid/app:1', '--replicas=0'])), ['CREATE deployments'])
    t.same(await audited(async () => kubectl(['annotate', ...deployment, 'a=1', ...controller])), ['UPDATE deployments'], 'a Deployment counts a change of its annotations as a generation')
    t.same(await audited(async () => kubectl(['annotate', ...deployment, 'a=2', '--overwrite'])), ['UPDATE deployments'])
    t.same(await audited(async () => kubectl(['label', ...deployment, 'a=1', ...controller])), ['UPDATE deployments'])
    t.same(await audited(async () => kubectl(['scale', ...deployment, '--replicas=0', ...controller])), ['UPDATE deployments scale'])
    t.same(await audited(async () => kubectl(['set', 'image', ...deployment, '*=none.invalid/app:2', ...controller])), ['UPDATE deployments'])
  })

  await t.test('our controller\'s own work is in the trail already; whatever else its account does is audited', async (t) => {
    const policy = JSON.stringify({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'p', namespace }, spec: { podSelector: {} } })
    t.same(await audited(async () => kubectl(['create', '-f', '-', ...ours], { stdin: policy })), [])
    t.same(await audited(async () => kubectl(['delete', 'networkpolicy', 'p', '--namespace', namespace])), ['DELETE networkpolicies'])
    t.same(await audited(async () => api.create(RESOURCES.pods, podIn(namespace, 'three', {}))), ['CREATE pods'])
    t.same(await audited(async () => kubectl(['create', 'role', 'r', '--verb=get', '--resource=secrets', '--namespace', namespace, ...ours])), ['CREATE roles'])
  })

  await t.test('leases, status and endpoints are never asked about', async (t) => {
    const lease = { metadata: { name: 'l', namespace }, spec: { holderIdentity: 'me', leaseDurationSeconds: 10 } }
    t.same(await audited(async () => api.create(RESOURCES.leases, lease)), [])
    t.same(await audited(async () => kubectl(['patch', 'pod', 'three', '--namespace', namespace, '--subresource=status', '--type=merge', '-p', '{"status":{"message":"x"}}'])), [])
  })
})
