import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { writeCredentials } from '../../../certs/credential-folder.ts'
import { Root } from '../../certs/samples.ts'
import { Running } from '../../program.ts'
import { type TestCluster, testCluster, withoutCluster } from '../../real/cluster/test-cluster.ts'

const skip = withoutCluster('api')

/** With a revision of the test's own: others of the suite register the default one in the same cluster. */
const settingsOf = (revision: string): string => `
revision: ${revision}
image: autoshield.test/observer:1
detector: 10.0.0.1:18001
identity: 10.0.0.1:8444
`

const podNamed = (name: string): string => JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'app', image: 'none.invalid/app:1' }] } })

/** Creates a pod and says of what containers it is. */
async function create (cluster: TestCluster, namespace: string, name: string, ...flags: string[]): Promise<string> {
  return cluster.kubectl(['create', '--namespace', namespace, '-f', '-', '-o', 'jsonpath={.spec.initContainers[*].name} {.spec.containers[*].name}', ...flags], { stdin: podNamed(name) })
}

/** The API server learns of webhooks by a watch of its own. */
async function untilInjected (cluster: TestCluster, namespace: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if ((await create(cluster, namespace, 'probe', '--dry-run=server')).includes('autoshield-observer')) return
    await setTimeout(100)
  }
  throw new Error('no pod was injected in 10 s')
}

t.test('pods of a labelled namespace are injected, and start all the same while the webhook is dead', { skip, timeout: 180_000 }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const mark = `test-${randomBytes(4).toString('hex')}`
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-webhook-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const root = new Root()
  await writeCredentials(folder, root.issue('webhook', { ip: [cluster.host] }))
  await writeFile(join(folder, 'injection.yaml'), settingsOf(mark))
  const start = async (port: number): Promise<{ webhook: Running, port: number }> => {
    const webhook = Running.start(['webhook', '--listen', `${cluster.host}:${port}`, '--metrics', `${cluster.host}:0`, '--settings', join(folder, 'injection.yaml'), '--certificate-folder', folder, '--kubeconfig', cluster.kubeconfig])
    const [, bound = ''] = await webhook.saying(/"port":(\d+),"msg":"the webhook listens"/)
    return { webhook, port: Number(bound) }
  }
  const first = await start(0)
  t.teardown(() => first.webhook[Symbol.asyncDispose]())

  const namespace = await cluster.namespace({ 'autoshield.dev/injection': 'enabled', 'autoshield.dev/rev': mark, [mark]: 'yes' })
  await cluster.kubectl(['wait', '--for=create', 'serviceaccount/default', '--namespace', namespace, '--timeout=20s'])
  const entry = (name: string, path: string, more: object): object => ({
    name: `${name}.autoshield.test`,
    admissionReviewVersions: ['v1'],
    failurePolicy: 'Ignore',
    timeoutSeconds: 2,
    namespaceSelector: { matchLabels: { [mark]: 'yes' } },
    clientConfig: { url: `https://${cluster.host}:${first.port}${path}`, caBundle: Buffer.from(root.authority.bundle).toString('base64') },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    ...more,
  })
  const registered = [
    { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration', metadata: { name: mark }, webhooks: [entry('inject', '/inject', { sideEffects: 'None', reinvocationPolicy: 'IfNeeded' })] },
    { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name: mark }, webhooks: [entry('audit', '/audit', { sideEffects: 'NoneOnDryRun' })] },
  ]
  for (const configuration of registered) {
    t.teardown(() => cluster.kubectl(['delete', configuration.kind, mark, '--ignore-not-found']))
    await cluster.kubectl(['create', '-f', '-'], { stdin: JSON.stringify(configuration) })
  }

  await untilInjected(cluster, namespace)
  t.notMatch(first.webhook.stdout, /"msg":"admission"/, 'dry runs are on no record')
  t.equal(await create(cluster, namespace, 'one'), 'autoshield-observer app')
  await first.webhook.saying(/"name":"one".*"reason":"Injected"/)

  first.webhook.kill('SIGKILL')
  await first.webhook.ended
  t.equal((await create(cluster, namespace, 'two')).trim(), 'app', 'without the webhook the pod is made all the same')

  const second = await start(first.port)
  t.teardown(() => second.webhook[Symbol.asyncDispose]())
  await untilInjected(cluster, namespace)
  t.equal(await create(cluster, namespace, 'three'), 'autoshield-observer app')

  second.webhook.kill('SIGTERM')
  t.equal((await second.webhook.ended)[0], 0, 'and it stops in order')
})
