import { randomInt, X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { CertificateIssuer, type IssueRecord } from '../../certs/issuer.ts'
import { requestRotation, SecretAuthority } from '../../certs/secret-authority.ts'
import { SecretCredentials } from '../../certs/secret-credentials.ts'
import { SelfIssued } from '../../certs/self-issued.ts'
import { ServingCertificate } from '../../certs/serving-certificate.ts'
import { pairData, SERVING_SECRET } from '../../certs/serving-secret.ts'
import { RenewedCredentials, type RenewalEvent } from '../../src/adapters/identity/renewed-credentials.ts'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { checkCredentials, readCertificates } from '../../src/wire/check-credentials.ts'
import { firstCredentials } from '../../src/wire/held-credentials.ts'
import { testCluster, withoutCluster, type TestCluster } from '../real/cluster/test-cluster.ts'
import { startControl } from './control-server.ts'
import { Root, TRUST_DOMAIN } from './samples.ts'

const clock = { now: Date.now }
const skip = withoutCluster('api')

t.test('identities on a real API server', { skip }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  t.test('two replicas that start at once share one authority and one serving pair, and the webhook follows both', async (t) => sharing(t, cluster))
  t.test('a pod gets its certificate by its token, and none when it is gone', async (t) => issuing(t, cluster))
  t.test('a pair of cert-manager is used and left alone', async (t) => foreign(t, cluster))
})

async function open (t: Test, cluster: TestCluster) {
  const namespace = await cluster.namespace()
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  const stop = new AbortController()
  const running: Array<Promise<void>> = []
  t.teardown(async () => {
    stop.abort()
    await Promise.all(running)
    api[Symbol.dispose]()
  })
  const run = (part: { run: (signal: AbortSignal) => Promise<void> }): void => { running.push(part.run(stop.signal)) }
  return { namespace, api, signal: stop.signal, run }
}

/** Resolves when a source of changes is as wanted. */
async function until (source: { onChange: (listener: () => void) => Disposable }, wanted: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const look = (): void => {
    try {
      if (wanted()) resolve(undefined)
    } catch {
      // not there yet
    }
  }
  const changes = source.onChange(look)
  look()
  await promise
  changes[Symbol.dispose]()
}

async function sharing (t: Test, cluster: TestCluster): Promise<void> {
  const { namespace, api, signal, run } = await open(t, cluster)
  const events: string[] = []
  const rotation = { publishMs: 400, settleMs: 0, leafMs: 400, marginMs: 0 }
  const replicas = [1, 2, 3].map(() => {
    const authority = new SecretAuthority({ api, namespace, trustDomain: TRUST_DOMAIN, clock, rotation, everyMs: 50, onEvent: ({ type }) => events.push(type) })
    return { authority, serving: new ServingCertificate({ api, authority, trustDomain: TRUST_DOMAIN, namespace, clock, onEvent: ({ type }) => events.push(type) }) }
  })
  const webhook = new SecretCredentials({ api, namespace, clock })
  for (const { authority, serving } of replicas) [authority, serving].forEach(run)
  run(webhook)
  const first = await firstCredentials(webhook, signal)
  t.equal(checkCredentials(first, { nowMs: Date.now(), dns: [`autoshield-webhook.${namespace}.svc`] }), null)
  await Promise.all(replicas.map(({ authority, serving }) => until(serving, () => serving.bundle() === authority.bundle() && serving.bundle() === first.authorities)))
  t.same(events.filter((type) => type === 'created' || type === 'issued').toSorted(), ['created', 'issued'], 'one of each was made')

  await requestRotation(api, namespace)
  const signer = readCertificates(first.authorities)[0]
  await until(webhook, () => {
    const [now, ...older] = readCertificates(webhook.current().authorities)
    return now?.fingerprint256 !== signer?.fingerprint256 && older.length === 0
  })
  t.equal(webhook.problem(), null, 'the pair was renewed with the root')
  t.same(['trusted', 'promoted', 'dropped'].map((type) => events.filter((event) => event === type).length), [1, 1, 1], 'each step was taken by one replica')
}

async function token (cluster: TestCluster, namespace: string, account: string, args: readonly string[]): Promise<string> {
  return (await cluster.kubectl(['create', 'token', account, '--namespace', namespace, ...args])).trim()
}

async function issuing (t: Test, cluster: TestCluster): Promise<void> {
  const { namespace, api, signal, run } = await open(t, cluster)
  await cluster.kubectl(['create', 'serviceaccount', 'cart', '--namespace', namespace])
  const pod = await api.create(RESOURCES.pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'cart-0', namespace }, spec: { serviceAccountName: 'cart', containers: [{ name: 'app', image: 'none.invalid/none' }] } })
  const bound = ['--audience', 'autoshield', '--bound-object-kind', 'Pod', '--bound-object-name', 'cart-0']

  const own = await cluster.namespace()
  const authority = new SecretAuthority({ api, namespace: own, trustDomain: TRUST_DOMAIN, clock })
  const controller = new SelfIssued({ authority, identity: { trustDomain: TRUST_DOMAIN, namespace: own, uid: 'controller' }, clock })
  const records: IssueRecord[] = []
  const issuer = new CertificateIssuer({ api, authority, trustDomain: TRUST_DOMAIN, namespace: own, clock, onDecision: (record) => { records.push(record) } })
  run(authority)
  run(controller)
  await firstCredentials(controller, signal)
  const { endpoint } = await startControl(t, issuer, controller)

  const folder = await mkdtemp(join(tmpdir(), 'autoshield-pod-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const [tokenFile, authoritiesFile] = [join(folder, 'token'), join(folder, 'ca.pem')]
  await writeFile(authoritiesFile, authority.bundle())
  const ask = async (): Promise<RenewalEvent> => {
    const { promise, resolve } = Promise.withResolvers<RenewalEvent>()
    const stop = new AbortController()
    const credentials = new RenewedCredentials({ endpoint, server: { trustDomain: TRUST_DOMAIN, namespace: own, uid: 'controller' }, tokenFile, authoritiesFile, clock, random: Math.random, onEvent: resolve })
    const running = credentials.run(stop.signal)
    const event = await promise
    if (event.type === 'renewed') t.equal(new X509Certificate(credentials.current().certificate).subjectAltName, `URI:spiffe://${TRUST_DOMAIN}/ns/${namespace}/pod/${pod.metadata.uid ?? ''}`)
    stop.abort()
    await running
    return event
  }
  const reasonFor = async (text: string): Promise<string> => {
    await writeFile(tokenFile, text)
    const event = await ask()
    return 'reason' in event ? event.reason : event.type
  }

  const good = await token(cluster, namespace, 'cart', bound)
  t.equal(await reasonFor(good), 'renewed')
  t.match(await reasonFor(await token(cluster, namespace, 'cart', bound.slice(2))), /WrongAudience/, 'a token for the API server')
  t.match(await reasonFor(await token(cluster, namespace, 'cart', bound.slice(0, 2))), /NotPodBound/, 'a token of the service account alone')
  const node = `certs-${randomInt(1e9)}`
  await api.create(RESOURCES.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: node } })
  t.teardown(() => cluster.kubectl(['delete', 'node', node, '--ignore-not-found']))
  t.match(await reasonFor(await token(cluster, namespace, 'cart', ['--audience', 'autoshield', '--bound-object-kind', 'Node', '--bound-object-name', node])), /NotPodBound/, 'a token of a node')
  t.match(await reasonFor(`${good.slice(0, -8)}AAAAAAAA`), /TokenInvalid/, 'a forged signature')
  await cluster.kubectl(['delete', 'pod', 'cart-0', '--namespace', namespace, '--force', '--grace-period=0'])
  t.match(await reasonFor(good), /PodGone|TokenInvalid/, 'the pod is gone; the API server may still remember its verdict on the token')
  t.same(records.map(({ reason }) => reason).slice(0, 5), ['Issued', 'WrongAudience', 'NotPodBound', 'NotPodBound', 'TokenInvalid'])
}

async function foreign (t: Test, cluster: TestCluster): Promise<void> {
  const { namespace, api, run } = await open(t, cluster)
  const root = new Root()
  const pair = root.issue('webhook', { dns: [`autoshield-webhook.${namespace}.svc`] })
  const data = pairData(pair)
  const metadata = { name: SERVING_SECRET, namespace, annotations: { 'cert-manager.io/certificate-name': 'webhook' }, labels: { 'controller.cert-manager.io/fao': 'true' } }
  const made = await api.create(RESOURCES.secrets, { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata, data })
  const authority = new SecretAuthority({ api, namespace, trustDomain: TRUST_DOMAIN, clock })
  const serving = new ServingCertificate({ api, authority, trustDomain: TRUST_DOMAIN, namespace, clock, everyMs: 20 })
  const webhook = new SecretCredentials({ api, namespace, clock })
  ;[authority, serving, webhook].forEach(run)
  await until(serving, () => serving.bundle() === root.authority.bundle)
  await until(webhook, () => webhook.current().certificate === pair.certificate)
  await until(authority, () => authority.bundle() !== '')
  await serving.reconcile()
  t.equal((await api.get(RESOURCES.secrets, SERVING_SECRET, namespace))?.metadata.resourceVersion, made.metadata.resourceVersion)
  t.equal(serving.bundle(), root.authority.bundle)
}
