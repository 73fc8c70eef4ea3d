import { randomBytes } from 'node:crypto'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { runningCluster, standingFolder } from '../real/cluster/cluster.ts'
import type { Figure } from './figure.ts'
import { MeasuredWebhook } from './webhook.ts'

const PODS = 2_000
const AT_ONCE = 8

/** Creates as many pods in a namespace that asks the webhook as in one that does not, in turns; none where no cluster runs. */
export async function addedLatency (): Promise<Figure[]> {
  const cluster = runningCluster(standingFolder())
  if (cluster === undefined) {
    console.error('bench: webhook.added_p99_ms needs an API server: npm run cluster -- up')
    return []
  }
  const mark = `bench-${randomBytes(4).toString('hex')}`
  const { host } = cluster.wire
  await using webhook = await MeasuredWebhook.start(host)
  using api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  await using stack = new AsyncDisposableStack()
  for (const name of [`${mark}-with`, `${mark}-without`]) {
    stack.defer(async () => { await api.remove(RESOURCES.namespaces, name) })
    await api.create(RESOURCES.namespaces, { metadata: { name, labels: { [mark]: name.endsWith('-with') ? 'with' : 'without' } } })
  }
  stack.defer(async () => { await api.remove(RESOURCES.mutatingWebhooks, mark) })
  await api.create(RESOURCES.mutatingWebhooks, {
    metadata: { name: mark },
    webhooks: [{
      name: 'inject.autoshield.bench',
      admissionReviewVersions: ['v1'],
      failurePolicy: 'Fail',
      sideEffects: 'None',
      timeoutSeconds: 2,
      namespaceSelector: { matchLabels: { [mark]: 'with' } },
      clientConfig: { url: `https://${host}:${webhook.ports.webhook}/inject`, caBundle: Buffer.from(webhook.authorities).toString('base64') },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    }],
  })
  const times = { with: new Float64Array(PODS), without: new Float64Array(PODS) }
  await new Promise((resolve) => { setTimeout(resolve, 3_000) }) // service accounts are made, and the API server learns of the webhook
  let next = 0
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let at = next++; at < PODS; at = next++) {
      for (const kind of at % 2 === 0 ? ['with', 'without'] as const : ['without', 'with'] as const) {
        const startedMs = performance.now()
        await api.create(RESOURCES.pods, { metadata: { namespace: `${mark}-${kind}`, name: `pod-${at}` }, spec: { containers: [{ name: 'app', image: 'none.invalid/app:1' }] } })
        times[kind][at] = performance.now() - startedMs
      }
    }
  }))
  const created = await api.list(RESOURCES.pods, { namespace: `${mark}-with` })
  const { injected } = await webhook.ask()
  if (created.length !== PODS || injected !== PODS) throw new Error(`${PODS} pods were created, ${created.length} are there and ${injected} were injected`)
  const p99 = (values: Float64Array): number => values.sort()[Math.floor(PODS * 0.99)] ?? NaN
  const [ours, plain] = [p99(times.with), p99(times.without)]
  return [{ name: 'webhook.added_p99_ms', value: ours - plain, unit: 'ms', beside: { name: 'creation without, p99', value: plain }, ratio: (ours - plain) / plain }]
}
