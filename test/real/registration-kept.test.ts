import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { every, systemClock } from '../../src/adapters/standalone/clock.ts'
import { Registration } from '../../src/controller/registration/registration.ts'
import { ANNOTATIONS, FIELD_MANAGER, LABELS } from '../../src/core/injection/names.ts'
import type { KubernetesObject } from '../../src/core/kubernetes/object.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import type { KubernetesApi } from '../../src/ports/kubernetes.ts'
import { RecordingWebhook } from '../controller/registration/recording-webhook.ts'
import { autoshield } from '../program.ts'
import { type TestCluster, testCluster, withoutCluster } from './cluster/test-cluster.ts'

const skip = withoutCluster('api')

async function until (is: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await is()) return
    await new Promise((resolve) => { setTimeout(resolve, 50) })
  }
  throw new Error('it did not come to be so in 10 s')
}

interface Kept {
  readonly cluster: TestCluster
  readonly api: KubernetesApi
  readonly namespace: string
  readonly revision: string
  readonly registration: Registration
  readonly corrections: string[]
  readonly bundles: { current: string }
  readonly other: string
  readonly found: (kind: 'mutating' | 'validating') => Promise<KubernetesObject | null>
}

/** A registration at the real API server, with a Service whose only endpoint is in a slice that the test wrote. */
async function keptRegistration (t: Test): Promise<Kept> {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  const namespace = await cluster.namespace()
  const revision = `kept-${randomBytes(4).toString('hex')}`
  const [one, two] = [await RecordingWebhook.start(cluster.host), await RecordingWebhook.start(cluster.host)]
  const bundles = { current: one.bundle }
  await api.create(RESOURCES.endpointSlices, {
    metadata: { name: 'w', namespace, labels: { 'kubernetes.io/service-name': 'autoshield-webhook' } }, addressType: 'IPv4', endpoints: [{ addresses: ['10.255.255.1'] }], ports: [{ name: 'https', port: 8443 }],
  })
  const stop = new AbortController()
  const corrections: string[] = []
  const registration = new Registration({
    api,
    settings: { revision, excludedNamespaces: [], ownNamespace: namespace, backend: { kind: 'service' } },
    bundle: () => bundles.current,
    every,
    clock: systemClock,
    random: Math.random,
    metrics: { state: () => undefined, registered: () => undefined, corrected: (webhook, change) => corrections.push(`${webhook} ${change}`), failed: () => undefined },
    log: { info: () => undefined, warn: () => undefined, error: (_fields, message) => t.comment(message) },
  })
  const running = registration.run(stop.signal)
  const resources = { mutating: RESOURCES.mutatingWebhooks, validating: RESOURCES.validatingWebhooks }
  t.teardown(async () => {
    stop.abort()
    await running
    for (const resource of Object.values(resources)) await api.remove(resource, `autoshield-${revision}`)
    api[Symbol.dispose]()
    for (const webhook of [one, two]) await webhook[Symbol.asyncDispose]()
  })
  await until(() => registration.state().kind === 'registered')
  return { cluster, api, namespace, revision, registration, corrections, bundles, other: two.bundle, found: async (kind) => api.get(resources[kind], `autoshield-${revision}`) }
}

const caBundles = (object: KubernetesObject | null): string[] =>
  ((object?.['webhooks'] ?? []) as { clientConfig: { caBundle?: string } }[]).map(({ clientConfig }) => Buffer.from(clientConfig.caBundle ?? '', 'base64').toString())

t.test('the API server keeps the registration as we want it', { skip }, async (t) => {
  const { cluster, revision, corrections, bundles, other, found } = await keptRegistration(t)
  const { kubectl } = cluster
  const name = `autoshield-${revision}`

  await t.test('with the API server\'s own defaults, it is settled at the first write', async (t) => {
    const before = (await found('mutating'))?.metadata.resourceVersion
    await new Promise((resolve) => { setTimeout(resolve, 2_500) }) // two beats in which nothing may happen
    t.equal((await found('mutating'))?.metadata.resourceVersion, before)
    t.same(corrections, [])
    const managers = ((await found('mutating'))?.metadata['managedFields'] as { manager: string }[]).map(({ manager }) => manager)
    t.same(managers, [FIELD_MANAGER], 'every field is ours')
  })

  await t.test('two roots while one replaces the other', async (t) => {
    const both = bundles.current + other
    bundles.current = both
    await until(async () => caBundles(await found('mutating')).every((bundle) => bundle === both) && caBundles(await found('validating')).every((bundle) => bundle === both))
    t.same(corrections, [], 'it is nobody\'s change')
  })

  await t.test('what was deleted comes back', async (t) => {
    await kubectl(['delete', 'mutatingwebhookconfiguration', name])
    await until(async () => await found('mutating') !== null)
    t.same(corrections.splice(0), ['mutating deleted'])
  })

  await t.test('a condition that would switch an entry off is taken out', async (t) => {
    const [entry] = (await found('validating'))?.['webhooks'] as [{ matchConditions: object[] }]
    await kubectl(['patch', 'validatingwebhookconfiguration', name, '--type=json', '-p', JSON.stringify([{ op: 'add', path: '/webhooks/0/matchConditions/-', value: { name: 'never', expression: 'false' } }])])
    await until(async () => ((await found('validating'))?.['webhooks'] as [{ matchConditions: object[] }])[0].matchConditions.length === entry.matchConditions.length)
    t.same(corrections.splice(0), ['validating changed'])
  })

  await t.test('an entry of somebody else, and a caBundle of somebody else, are taken out', async (t) => {
    const foreign = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration', metadata: { name }, webhooks: [{ name: 'evil.example.com', clientConfig: { url: 'https://evil.invalid' }, sideEffects: 'None', admissionReviewVersions: ['v1'] }] }
    await kubectl(['apply', '--server-side', '--field-manager=somebody', '-f', '-'], { stdin: JSON.stringify(foreign) })
    await until(async () => corrections.length > 0)
    await kubectl(['patch', 'mutatingwebhookconfiguration', name, '--type=json', '-p', '[{"op":"remove","path":"/webhooks/0/clientConfig/caBundle"}]'])
    await until(async () => {
      const entries = (await found('mutating'))?.['webhooks'] as { name: string }[]
      return entries.every((entry) => entry.name !== 'evil.example.com') && caBundles(await found('mutating')).every((bundle) => bundle === bundles.current)
    })
    t.match(new Set(corrections.splice(0)), new Set(['mutating changed']))
  })
})

t.test('the glass is broken with a kubeconfig alone, and stays broken until it is mended', { skip }, async (t) => {
  const { cluster, namespace, revision, registration, found } = await keptRegistration(t)
  const { kubectl, kubeconfig } = cluster
  const uninstall = async (): ReturnType<typeof autoshield> =>
    autoshield(['uninstall', '--webhooks-only', '--revision', revision, '--autoshield-namespace', namespace, '--kubeconfig', kubeconfig])
  const isAway = async (): Promise<boolean> => await found('mutating') === null && await found('validating') === null

  await t.test('by the program', async (t) => {
    const { status, stdout } = await uninstall()
    t.equal(status, 0)
    t.ok(await isAway())
    for (const line of [
      `Annotated namespace ${namespace}: autoshield.dev/webhooks=off`, /(?:Deleted )?MutatingWebhookConfiguration autoshield-kept-\w+(?:\.| is gone)/, /(?:Deleted )?ValidatingWebhookConfiguration autoshield-kept-\w+(?:\.| is gone)/,
      `To come back: kubectl annotate namespace ${namespace} autoshield.dev/webhooks-`,
    ]) t.match(stdout, line)
    await until(() => registration.state().kind === 'off')
    t.ok(await isAway(), 'the controller, which runs, leaves them away')
  })

  await t.test('twice is as good as once', async (t) => {
    const { status, stdout } = await uninstall()
    t.equal(status, 0)
    t.match(stdout, 'No webhook configuration of AutoShield was there.')
  })

  await t.test('it is mended as it says', async () => {
    await kubectl(['annotate', 'namespace', namespace, `${ANNOTATIONS.webhooks}-`])
    await until(async () => await found('mutating') !== null && await found('validating') !== null)
  })

  await t.test('by kubectl, as the README has it', async (t) => {
    await kubectl(['annotate', '--overwrite', 'namespace', namespace, 'autoshield.dev/webhooks=off'])
    // The README names the first label alone: all revisions. This cluster is shared with other tests.
    await kubectl(['delete', 'mutatingwebhookconfigurations,validatingwebhookconfigurations', '-l', `app.kubernetes.io/managed-by=autoshield,${LABELS.revision}=${revision}`])
    await until(() => registration.state().kind === 'off')
    t.ok(await isAway())
  })

  await t.test('without the namespace', async (t) => {
    const { status, stdout } = await autoshield(['uninstall', '--webhooks-only', '--revision', 'nobody', '--autoshield-namespace', 'not-there', '--kubeconfig', kubeconfig])
    t.equal(status, 0)
    t.match(stdout, 'There is no namespace not-there')
  })
})
