import { readFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { Check } from 'typebox/value'
import { Authority, createAuthority } from '../../certs/authority.ts'
import { openAuditTrail } from '../../src/adapters/store/audit-trail.ts'
import { AdmissionTrail } from '../../src/controller/admissions/admission-trail.ts'
import { readAuditEvent, type LoggedChange } from '../../src/controller/admissions/audit-event.ts'
import { PodContext } from '../../src/controller/admissions/context.ts'
import { readFailOpen } from '../../src/controller/admissions/fail-open-watch.ts'
import { admissionIntake } from '../../src/controller/admissions/intake.ts'
import { readTrailEntry } from '../../src/controller/admissions/trail-entry.ts'
import { AUDITED_RULES } from '../../src/core/admission/audited.ts'
import type { AdmissionEntry } from '../../src/core/admission/entry.ts'
import type { Identity } from '../../src/core/identity.ts'
import type { Namespace } from '../../src/core/kubernetes/object.ts'
import { fixedCredentials } from '../../src/wire/held-credentials.ts'
import { AdmissionAudit, ownServiceAccounts } from '../../webhook/audit/admission-audit.ts'
import { AdmissionReview } from '../../webhook/review.ts'
import { AdmissionShipper } from '../../webhook/shipping/admission-shipper.ts'
import { testCluster, withoutCluster, type TestCluster } from './cluster/test-cluster.ts'

const NOW = Date.now()
const AUTHORITY = new Authority(createAuthority('autoshield.local', NOW))
const identity = (uid: string): Identity => ({ trustDomain: 'autoshield.local', namespace: 'autoshield', uid })
const clock = { now: () => Date.now() }
const quiet = { recorded: () => undefined, duplicate: () => undefined, gap: () => undefined }

interface Stage {
  readonly cluster: TestCluster
  /** Namespaces as the webhook knows them; the test keeps them as it made them. */
  readonly namespaces: Map<string, Namespace>
  /** Resolves with what the trail holds once it holds a review that fits. */
  readonly seen: (fits: (entry: AdmissionEntry) => boolean) => Promise<AdmissionEntry>
  readonly all: () => readonly AdmissionEntry[]
}

/** The whole way: API server -> webhook by URL -> shipper -> mTLS -> intake -> trail. */
async function stage (t: Test): Promise<Stage> {
  const cluster = await testCluster(t, { needs: 'api' })
  const dir = t.testdir({})
  const audit = openAuditTrail(dir, { clock })
  t.teardown(() => audit[Symbol.asyncDispose]())
  let written = Promise.withResolvers<undefined>()
  const trail = new AdmissionTrail({ audit, context: new PodContext(), metrics: { ...quiet, recorded: () => { written.resolve(undefined); written = Promise.withResolvers() } } })

  const controller = AUTHORITY.issueWithKey({ identity: identity('controller') }, NOW)
  const intake = fastify({ serverFactory: (handler) => createServer({ cert: controller.certificate, key: controller.key, ca: AUTHORITY.bundle, requestCert: true, rejectUnauthorized: true }, handler) })
  await intake.register(admissionIntake({ trail, webhook: identity('webhook'), identify: () => identity('webhook') }))
  await intake.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => intake.close())

  const shipper = new AdmissionShipper({
    controller: `127.0.0.1:${(intake.server.address() as AddressInfo).port}`,
    credentials: fixedCredentials(AUTHORITY.issueWithKey({ identity: identity('webhook') }, NOW)),
    expected: identity('controller'),
    boot: '0123456789abcdef0123456789abcdef',
    random: Math.random,
    metrics: { recorded: () => undefined, shipped: () => undefined, lost: () => undefined, waiting: () => undefined, failure: () => undefined },
    onFailure: (error) => t.comment(error.message),
  })
  const stop = new AbortController()
  const shipping = shipper.run(stop.signal)
  t.teardown(async () => { stop.abort(); await shipping })

  const namespaces = new Map<string, Namespace>()
  const auditing = new AdmissionAudit({
    log: shipper,
    clock,
    namespaces: { byName: (name) => namespaces.get(name) ?? null, ready: () => true },
    ownNamespace: 'autoshield',
    ownUsers: ownServiceAccounts('autoshield'),
    excludedNamespaces: ['kube-system', 'kube-node-lease'],
  })
  const serving = AUTHORITY.issueWithKey({ identity: identity('webhook'), ip: [cluster.host] }, NOW)
  const webhook = fastify({ serverFactory: (handler) => createServer({ cert: serving.certificate, key: serving.key }, handler), bodyLimit: 8 << 20 })
  webhook.post('/audit', async ({ body }) => {
    if (!Check(AdmissionReview, body)) throw new Error(`no review: ${JSON.stringify(body).slice(0, 300)}`)
    return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: auditing.review(body.request) }
  })
  await webhook.listen({ port: 0, host: cluster.host })
  t.teardown(() => webhook.close())
  await register(t, cluster, (webhook.server.address() as AddressInfo).port)

  const all = (): AdmissionEntry[] => audit.search({ limit: 10_000 }).flatMap((entry) => readTrailEntry(entry)?.entry ?? [])
  const seen: Stage['seen'] = async (fits) => {
    for (;;) {
      const next = written.promise
      const found = all().find(fits)
      if (found !== undefined) return found
      await next
    }
  }
  return { cluster, namespaces, seen, all }
}

/** Only namespaces of this test reach this webhook: others use the same API server. */
async function register (t: Test, { kubectl, host }: TestCluster, port: number): Promise<void> {
  const name = `test-audit-${String(port)}.autoshield.dev`
  const mine = { matchLabels: { 'test.autoshield.dev/audit': String(port) } }
  PORTS.set(t, port)
  await kubectl(['create', '-f', '-'], {
    stdin: JSON.stringify({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name },
      webhooks: [{
        name,
        admissionReviewVersions: ['v1'],
        sideEffects: 'NoneOnDryRun',
        failurePolicy: 'Fail', // so that what is not seen fails the test
        timeoutSeconds: 5,
        clientConfig: { url: `https://${host}:${String(port)}/audit`, caBundle: Buffer.from(AUTHORITY.bundle).toString('base64') },
        namespaceSelector: mine,
        rules: AUDITED_RULES,
      }],
    }),
  })
  t.teardown(() => kubectl(['delete', 'validatingwebhookconfiguration', name, '--ignore-not-found']))
}
const PORTS = new WeakMap<Test, number>()

const POD = (name: string, container: object = {}): string => JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'app', image: 'app:1', ...container }] } })
const PRIVILEGED = { securityContext: { privileged: true } }

t.test('the API server\'s admissions, by the API server itself', { skip: withoutCluster('api'), timeout: 600_000 }, async (t) => {
  const { cluster, namespaces, seen, all } = await stage(t)
  const { kubectl, namespace } = cluster
  const home = async (labels: Record<string, string> = {}): Promise<string> => {
    const all = { ...labels, 'test.autoshield.dev/audit': String(PORTS.get(t) ?? '') }
    const name = await namespace(all)
    namespaces.set(name, { name, labels: all, annotations: {} })
    for (const user of ['anna', 'eve']) {
      await kubectl(['create', 'rolebinding', user, '--clusterrole=admin', `--user=${user}`, '-n', name])
    }
    return name
  }
  const as = async (user: string, args: readonly string[], stdin?: string): Promise<string> => kubectl(['--as', user, '--as-group', 'system:authenticated', ...args], stdin === undefined ? {} : { stdin })

  await t.test('two users, each with what they did', async (t) => {
    const shop = await home({ 'autoshield.dev/injection': 'enabled' })
    await as('anna', ['create', '-n', shop, '-f', '-'], POD('web'))
    await as('eve', ['label', 'pod', 'web', '-n', shop, 'autoshield.dev/inject=false'])
    await t.rejects(as('eve', ['exec', '-n', shop, 'web', '--', 'id']), 'no node runs it, and it is on record all the same')
    await as('eve', ['delete', 'pod', 'web', '-n', shop, '--wait=false'])
    await seen(({ namespace, operation, resource }) => namespace === shop && operation === 'DELETE' && resource === '/v1/pods')
    const told = all().filter(({ namespace, resource }) => namespace === shop && resource.startsWith('/v1/pods')).reverse().map(({ user, operation, resource, name, findings }) => [user, operation, resource, name, findings.map(({ code }) => code).join()])
    t.same(told, [
      ['anna', 'CREATE', '/v1/pods', 'web', ''],
      ['eve', 'UPDATE', '/v1/pods', 'web', 'OptsOut'],
      ['eve', 'CONNECT', '/v1/pods/exec', 'web', 'PodExec'],
      ['eve', 'DELETE', '/v1/pods', 'web', ''],
    ])
  })

  await t.test('a label that is removed, a Deployment\'s scale and its template are on record', async (t) => {
    const shop = await home({ 'autoshield.dev/injection': 'enabled' })
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'app', image: 'app:1', ...PRIVILEGED }] } } } }
    await as('anna', ['create', '-n', shop, '-f', '-'], JSON.stringify(deployment))
    const made = await seen(({ namespace, resource }) => namespace === shop && resource === '/v1/pods')
    t.match(made.user, /replicaset-controller|kube-controller-manager/, 'the pod is made by Kubernetes')
    t.match(made.name, /^web-[a-z0-9]+-[a-z0-9]{5}$/, 'under the name that was generated')
    t.not(made.uid, '')
    t.same(made.findings, [], 'what its template does is said of the person')
    t.match(await seen(({ namespace, resource }) => namespace === shop && resource === 'apps/v1/deployments'), { user: 'anna', findings: [{ code: 'PrivilegedPod' }] })
    await as('eve', ['scale', 'deployment', 'web', '-n', shop, '--replicas=0'])
    t.match(await seen(({ namespace, resource }) => namespace === shop && resource === 'apps/v1/deployments/scale'), { user: 'eve', operation: 'UPDATE' })
    await kubectl(['label', 'namespace', shop, 'autoshield.dev/injection-'])
    t.match(await seen(({ name, resource }) => name === shop && resource === '/v1/namespaces'), { operation: 'UPDATE', findings: [{ code: 'LabelRemoved', severity: 'high' }] })
  })

  await t.test('a dry run leaves nothing', async (t) => {
    const shop = await home()
    await as('anna', ['create', '--dry-run=server', '-n', shop, '-f', '-'], POD('dry'))
    await as('anna', ['create', '-n', shop, '-f', '-'], POD('wet'))
    await seen(({ namespace, name }) => namespace === shop && name === 'wet')
    t.same(all().filter(({ namespace, resource }) => namespace === shop && resource === '/v1/pods').map(({ name }) => name), ['wet'])
  })

  await t.test('enforce denies with the mend, warn warns, and enforce can be undone', async (t) => {
    const strict = await home({ 'autoshield.dev/admission': 'enforce' })
    await t.rejects(as('anna', ['create', '-n', strict, '-f', '-'], POD('bad', PRIVILEGED)), { message: /PrivilegedPod \(high\): .*spec\.containers\[app\]\.securityContext\.privileged: set it to false/ })
    t.match(await seen(({ namespace, name }) => namespace === strict && name === 'bad'), { allowed: false, mode: 'enforce' })
    await as('anna', ['create', '-n', strict, '-f', '-'], POD('good'))
    await kubectl(['label', 'namespace', strict, 'autoshield.dev/admission-'])
    t.match(await seen(({ name, resource }) => name === strict && resource === '/v1/namespaces'), { allowed: true, findings: [{ code: 'AdmissionWeakened' }] })
    const mild = await home({ 'autoshield.dev/admission': 'warn' })
    await t.rejects(kubectl(['--warnings-as-errors', 'create', '-n', mild, '-f', '-'], { stdin: POD('bad', PRIVILEGED) }), { message: /Warning: AutoShield: PrivilegedPod: .*set it to false/ })
    t.match(await kubectl(['get', 'pod', 'bad', '-n', mild, '-o', 'name']), 'pod/bad', 'the pod is there: it was a warning')
  })

  await t.test('what passes a webhook that is away shows in the API server\'s metrics and in its audit log', async (t) => {
    const shop = await home()
    const before = readFailOpen(await kubectl(['get', '--raw', '/metrics']))
    t.not(before, null, 'the metrics are an API server\'s')
    const name = `test-away-${shop}.autoshield.dev`
    const away = { name, admissionReviewVersions: ['v1'], sideEffects: 'None', failurePolicy: 'Ignore', timeoutSeconds: 1, clientConfig: { url: `https://${cluster.host}:1/audit` }, namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': shop } }, rules: AUDITED_RULES }
    await kubectl(['create', '-f', '-'], { stdin: JSON.stringify({ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name }, webhooks: [away] }) })
    t.teardown(() => kubectl(['delete', 'validatingwebhookconfiguration', name, '--ignore-not-found']))
    const lines = async (): Promise<LoggedChange[]> => (await readFile(cluster.auditLog, 'utf8')).split('\n').flatMap((line) => {
      const change = readAuditEvent(line)
      return change === null || change === 'other' ? [] : [change]
    })
    // A configuration is in force when the API server's own cache has it: the first pods may come before.
    const passed = async (): Promise<LoggedChange | undefined> => (await lines()).find(({ entry, unseen }) => unseen === 'failed-open' && entry.namespace === shop && entry.operation === 'CREATE')
    let found: LoggedChange | undefined
    for (let n = 0; found === undefined; n++) {
      await as('anna', ['create', '-n', shop, '-f', '-'], POD(`unseen-${n}`))
      found = await passed()
    }
    t.match(found, { plural: 'pods', entry: { user: 'anna', resource: '/v1/pods', seenBy: 'audit-log' } })
    const after = readFailOpen(await kubectl(['get', '--raw', '/metrics']))
    t.equal(after?.server, before?.server)
    t.ok((after?.count ?? 0) > (before?.count ?? 0), `${String(before?.count)} before, ${String(after?.count)} after`)
    t.ok((await lines()).some(({ entry, unseen }) => unseen === 'exempt' && entry.name === name && entry.operation === 'CREATE'), 'a webhook configuration is in the audit log alone')
  })
})
