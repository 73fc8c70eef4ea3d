import t from 'tap'
import { judgePod, type PodCoverage } from '../../../src/core/coverage/judge-pod.ts'
import { slimPod } from '../../../src/core/coverage/slim-pod.ts'
import type { KubernetesObject } from '../../../src/core/kubernetes/object.ts'
import { applyInjection } from '../../../webhook/inject/apply.ts'
import { decideInjection } from '../../../webhook/inject/decide.ts'
import { templateHash } from '../../../webhook/inject/template-hash.ts'
import { type Case, listCases } from '../../webhook/inject/cases.ts'

const STATUSES: readonly object[] = [
  {},
  { phase: 'Succeeded' },
  { phase: 'Running', containerStatuses: [{ name: 'app', state: {} }], initContainerStatuses: [{ name: 'autoshield-observer', state: { running: { startedAt: '2026-01-01T11:00:00Z' } } }] },
  { phase: 'Pending', containerStatuses: [{ name: 'autoshield-observer', state: { waiting: { reason: 'ImagePullBackOff' } } }] },
]

/** The pod as it came, and as the webhook would have made it, in every state. */
function * variants ({ pod, namespace, context }: Case): Generator<KubernetesObject> {
  const decision = decideInjection({ pod, namespace }, context)
  for (const each of decision.kind === 'inject' ? [pod, applyInjection(pod, decision, context)] : [pod]) {
    const { spec } = each
    const metadata = { ...each.metadata, uid: 'u1', creationTimestamp: '2026-01-01T10:00:00Z', managedFields: [{}] }
    for (const status of STATUSES) yield { ...each, metadata, status, ...spec === undefined ? {} : { spec } }
    yield { ...each, metadata: { ...metadata, deletionTimestamp: '2026-01-01T12:00:00Z' } }
  }
}

t.test('a pod is judged the same from what is kept of it', async (t) => {
  const seen = new Set<string>()
  for (const each of listCases()) {
    for (const pod of variants(each)) {
      for (const reporting of [null, new Set(['u1']), new Set<string>()]) {
        for (const template of [templateHash(each.context), 'another']) {
          const judge = (pod: KubernetesObject): PodCoverage | null => judgePod(pod, each.namespace, { decide: decideInjection, context: each.context, template, reporting, nowMs: Date.parse('2026-01-01T12:00:00Z') })
          const whole = judge(pod)
          seen.add(whole === null ? 'none' : whole.state)
          if (JSON.stringify(judge(slimPod(pod))) !== JSON.stringify(whole)) t.strictSame(judge(slimPod(pod)), whole, each.name)
        }
      }
    }
  }
  t.strictSame([...seen].sort(), ['missed', 'none', 'observed', 'silent', 'skipped', 'stale'])
})

t.test('what fills a pod is not kept', async (t) => {
  const long = 'x'.repeat(1_000)
  const filler = { env: [{ name: 'A', value: long }], command: [long], livenessProbe: { exec: { command: [long] } }, volumeMounts: [{ name: 'data', mountPath: long }] }
  const slim = slimPod({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', uid: 'u1', labels: { app: long }, annotations: { 'kubectl.kubernetes.io/last-applied-configuration': long, 'autoshield.dev/authorities': long }, managedFields: [{ long }] },
    spec: { containers: [{ name: 'app', image: long, ...filler }], initContainers: [{ name: 'autoshield-observer', image: 'o', ...filler }], volumes: [{ name: 'data', configMap: { name: long } }], tolerations: [{ key: long }] },
    status: { phase: 'Running', conditions: [{ message: long }], containerStatuses: [{ name: 'app', imageID: long, state: { running: {} } }] },
  })
  t.ok(JSON.stringify(slim).length < 500, JSON.stringify(slim))
})
