import { randomBytes } from 'node:crypto'
import t from 'tap'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { runChecks } from '../../src/cli/run-checks.ts'
import { askAccounts } from '../../src/controller/preflight/ask-rights.ts'
import { tryPod } from '../../src/controller/preflight/try-pod.ts'
import { registrationObjects } from '../../src/controller/registration/registration-objects.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import type { Finding } from '../../src/core/preflight/finding.ts'
import { RecordingWebhook } from '../controller/registration/recording-webhook.ts'
import { testCluster, withoutCluster } from './cluster/test-cluster.ts'

const skip = withoutCluster('api')

t.test('a real cluster is looked at before the installation, and nothing is changed', { skip }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  using api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  const namespace = await cluster.namespace({ 'autoshield.dev/injection': 'yes' })
  const suffix = randomBytes(4).toString('hex')
  const name = `test-check-${suffix}`
  // Asked about one namespace alone, whose pods nobody makes: other tests go on.
  const locked = { name: `locked-${suffix}.example.com`, failurePolicy: 'Fail', timeoutSeconds: 1, sideEffects: 'None', admissionReviewVersions: ['v1'], rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }], namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } }, clientConfig: { service: { namespace, name: 'nobody' } } }
  t.teardown(() => cluster.kubectl(['delete', 'validatingwebhookconfiguration', name, '--ignore-not-found']))
  await api.create(RESOURCES.validatingWebhooks, { metadata: { name }, webhooks: [locked] })

  const findings: Finding[] = []
  for await (const finding of runChecks(api, { ownNamespace: 'not-installed', pre: true, image: 'autoshield:latest' })) findings.push(finding)
  const of = (check: string): Finding[] => findings.filter((finding) => finding.check === check)
  t.match(of('KubernetesVersion'), [{ status: 'ok' }])
  t.match(of('Permissions'), [{ status: 'ok' }], 'an administrator may install')
  t.match(of('ClockSkew').find(({ message }) => message.includes('this machine')) ?? { status: 'ok' }, { status: 'ok' }, 'the API server runs on this machine')
  t.ok(of('WebhookDeadlock').some(({ status, message }) => status === 'problem' && message.includes(locked.name) && message.includes('none can start')))
  t.ok(of('NamespaceLabels').some(({ message }) => message.includes(`${namespace} has autoshield.dev/injection=yes`)))
  t.match(of('ObserverImage'), [{ status: 'warning', message: /latest/ }])
  t.equal(await api.get(RESOURCES.configMaps, 'autoshield-check', 'default'), null)

  await t.test('without an installation one sentence says so', async (t) => {
    const after: Finding[] = []
    for await (const finding of runChecks(api, { ownNamespace: 'not-installed', pre: false })) after.push(finding)
    t.match(after.filter(({ status, check }) => status === 'problem' && check !== 'WebhookDeadlock' && check !== 'NamespaceLabels'), [{ check: 'Installed', message: /no ConfigMap autoshield-injection/ }])
  })
})

t.test('rights and answers are asked of the API server itself', { skip }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  using api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  const namespace = await cluster.namespace()
  await cluster.kubectl(['wait', '--for=create', 'serviceaccount/default', '--namespace', namespace, '--timeout=20s'])

  const { missing, asked } = await askAccounts(api, namespace)
  t.equal(missing.length, asked, 'nobody granted anything to the accounts of this namespace')
  await cluster.kubectl(['create', 'role', 'r', '--namespace', namespace, '--verb=create', '--resource=secrets'])
  await cluster.kubectl(['create', 'rolebinding', 'r', '--namespace', namespace, '--role=r', `--serviceaccount=${namespace}:autoshield-controller`])
  let left = missing.length
  for (let attempt = 0; attempt < 50 && left === missing.length; attempt++) left = (await askAccounts(api, namespace)).missing.length // the authorizer learns by watch
  t.equal(left, missing.length - 1)

  await using webhook = await RecordingWebhook.start(cluster.host)
  const revision = randomBytes(4).toString('hex')
  const { mutating } = registrationObjects({ revision, excludedNamespaces: [], ownNamespace: 'elsewhere', backend: { kind: 'url', url: webhook.url } }, webhook.bundle)
  t.teardown(() => cluster.kubectl(['delete', 'mutatingwebhookconfiguration', mutating.metadata.name]))
  await api.apply(RESOURCES.mutatingWebhooks, mutating)
  let calls = 0
  for (let attempt = 0; attempt < 100 && calls === 0; attempt++) {
    t.equal((await tryPod(api, { namespace, revision, nowMs: Date.now })).kind, 'not-injected', 'a webhook that changes nothing')
    calls = webhook.take().filter((request) => request.name === 'autoshield-check').length
  }
  t.equal(calls, 1, 'the trial reaches the revision that it names, in a namespace that nobody labelled')
  t.match(await tryPod(api, { namespace: 'not-there', revision, nowMs: Date.now }), { kind: 'refused', why: /not-there/ })
})
