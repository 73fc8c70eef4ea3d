import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import type { KubernetesApi } from '../../src/ports/kubernetes.ts'
import { startCluster, stopCluster } from '../real/cluster/cluster.ts'
import { withoutCluster } from '../real/cluster/test-cluster.ts'
import type { Figure } from './figure.ts'
import { quantile } from './quantile.ts'
import { MeasuredWebhook } from './webhook.ts'

const PODS = 2_000
const AT_ONCE = 8
/** With and without take turns after so many, so that what else the machine does meets both. */
const BLOCK = 100
const KINDS = ['with', 'without'] as const
type Kind = (typeof KINDS)[number]

/**
 * Creates as many pods in a namespace that asks the webhook as in one that does not, at a real API server of its own
 * without a node. None where no cluster can run here.
 */
export async function addedLatency (): Promise<Figure[]> {
  const missing = withoutCluster('api')
  if (missing !== false) {
    console.error(`bench: webhook.added_p99_ms needs an API server: ${missing}`)
    return []
  }
  await using stack = new AsyncDisposableStack()
  const cluster = await startCluster({ node: false, lasting: false, say: (line) => { console.error(`bench: ${line}`) } })
  stack.defer(() => stopCluster(cluster))
  const { host } = cluster.wire
  const webhook = stack.use(await MeasuredWebhook.start(host))
  const api = stack.use(openKubernetes({ kubeconfig: cluster.kubeconfig }))
  const mark = `bench-${randomBytes(4).toString('hex')}`
  const namespaceOf = (kind: Kind): string => `${mark}-${kind}`
  for (const kind of KINDS) await api.create(RESOURCES.namespaces, { metadata: { name: namespaceOf(kind), labels: { [mark]: kind } } })
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
  await setTimeout(3_000) // service accounts are made, and the API server learns of the webhook

  const times: Record<Kind, number[]> = { with: [], without: [] }
  for (let first = 0; first < PODS; first += BLOCK) {
    const turns = first / BLOCK % 2 === 0 ? KINDS : KINDS.toReversed()
    for (const kind of turns) times[kind].push(...await createPods(api, namespaceOf(kind), first))
  }
  const { injected } = await webhook.ask()
  if (injected !== PODS) throw new Error(`${PODS} pods were created and ${injected} were injected`)
  for (const kind of KINDS) {
    const names = new Set((await api.list(RESOURCES.pods, { namespace: namespaceOf(kind) })).map(({ metadata }) => metadata.name))
    if (names.size !== PODS) throw new Error(`${PODS} pods were created ${kind} the webhook and ${names.size} are there`)
  }
  return [figureAt('p99', 0.99, times), figureAt('p50', 0.5, times)]
}

/** Milliseconds of each creation of one block. */
async function createPods (api: KubernetesApi, namespace: string, first: number): Promise<readonly number[]> {
  const took: number[] = []
  let next = first
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let at = next++; at < first + BLOCK; at = next++) {
      const startedMs = performance.now()
      await api.create(RESOURCES.pods, { metadata: { namespace, name: `pod-${at}` }, spec: { containers: [{ name: 'app', image: 'none.invalid/app:1' }] } })
      took.push(performance.now() - startedMs)
    }
  }))
  return took
}

function figureAt (name: string, share: number, times: Record<Kind, readonly number[]>): Figure {
  const at = (kind: Kind): number => quantile(times[kind], share)
  const plain = at('without')
  const added = at('with') - plain
  return { name: `webhook.added_${name}_ms`, value: added, unit: 'ms', beside: { name: `creation without, ${name}`, value: plain }, ratio: added / plain }
}
