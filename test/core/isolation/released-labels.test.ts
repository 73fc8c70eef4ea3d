import t from 'tap'
import { readReleased, RELEASED_KEY, releasedKeys, releasedPod, relabelOf, restoredPod, type PodSelectors, type Released } from '../../../src/core/isolation/released-labels.ts'
import type { KubernetesObject } from '../../../src/core/kubernetes/object.ts'

const WEB = { app: 'web', tier: 'front', 'pod-template-hash': 'abc' }
const SERVICE = { matchLabels: { app: 'web' } }
const REPLICA_SET = { matchLabels: { app: 'web', 'pod-template-hash': 'abc' } }
const OWN = { installation: 'guard', workload: 'Deployment/web' }
const nobody: PodSelectors = { services: [], replicaSets: [] }

const pod = (labels: Record<string, string>, released?: Released | string): KubernetesObject => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-0', resourceVersion: '7', labels, annotations: { theirs: 'x', ...(released !== undefined && { [RELEASED_KEY]: typeof released === 'string' ? released : JSON.stringify(released) }) } }, spec: { nodeName: 'n1' },
})

t.test('out of whose selection a pod is taken, each row of the table', async (t) => {
  const both: PodSelectors = { services: [SERVICE], replicaSets: [REPLICA_SET] }
  const rows: [string | null, PodSelectors, string | null][] = [
    ['Deployment/web', both, 'owner-and-services'],
    ['Deployment/web', nobody, 'owner-and-services'],
    ['ReplicaSet/web', both, 'owner-and-services'],
    ['StatefulSet/web', both, 'services'],
    ['DaemonSet/web', both, 'services'],
    ['Job/web', nobody, null],
    [null, both, 'services'],
    [null, nobody, null],
    [null, { services: [{ matchLabels: { app: 'db' } }], replicaSets: [] }, null],
  ]
  for (const [workload, selectors, relabel] of rows) t.equal(relabelOf({ labels: WEB, workload }, selectors), relabel, `${workload ?? 'no owner'}, ${selectors.services.length} Services`)
})

t.test('which labels are taken, each row of the table', async (t) => {
  const selectors: PodSelectors = { services: [SERVICE, { matchLabels: { tier: 'back' } }], replicaSets: [REPLICA_SET, { matchLabels: { app: 'web', 'pod-template-hash': 'other' } }] }
  t.strictSame(releasedKeys({ labels: WEB }, 'services', selectors), ['app'])
  t.strictSame(releasedKeys({ labels: WEB }, 'owner-and-services', selectors), ['app', 'pod-template-hash'], 'and none that only another selector asks for')
  t.strictSame(releasedKeys({ labels: { tier: 'front' } }, 'services', selectors), [])
  t.strictSame(releasedKeys({ labels: { tier: 'front' }, released: { ...OWN, labels: { app: 'web' } } }, 'services', nobody), ['app'], 'what was taken stays taken when its selector is gone')
  const later = { services: [{ matchLabels: { app: 'web', tier: 'front' } }], replicaSets: [] }
  t.strictSame(releasedKeys({ labels: { tier: 'front' }, released: { ...OWN, labels: { app: 'web' } } }, 'services', later), ['app', 'tier'], 'judged on the labels that it had')
  const expressions = [{ key: 'app', operator: 'In' as const, values: ['web'] }, { key: 'tier', operator: 'Exists' as const }, { key: 'gone', operator: 'DoesNotExist' as const }, { key: 'pod-template-hash', operator: 'NotIn' as const, values: ['x'] }]
  t.strictSame(releasedKeys({ labels: WEB }, 'owner-and-services', { services: [], replicaSets: [{ matchExpressions: expressions }] }), ['app', 'tier'], 'what a selector forbids cannot be taken away')
})

t.test('a pod loses the labels once, and the annotation keeps what they were, each row of the table', async (t) => {
  const keys = ['app', 'pod-template-hash']
  const kept = { ...OWN, labels: { app: 'web', 'pod-template-hash': 'abc' } }
  const rows: [string, KubernetesObject, Record<string, string>, Released][] = [
    ['as it was made', pod(WEB), { tier: 'front' }, kept],
    ['one label more is asked for', pod({ tier: 'front', 'pod-template-hash': 'abc' }, { ...OWN, labels: { app: 'web' } }), { tier: 'front' }, kept],
    ['somebody put one back with another value', pod({ tier: 'front', app: 'other' }, kept), { tier: 'front' }, kept],
    ['somebody broke the annotation', pod(WEB, '{'), { tier: 'front' }, kept],
  ]
  for (const [name, before, labels, released] of rows) {
    const after = releasedPod(before, keys, OWN)
    t.strictSame(after?.metadata.labels, labels, name)
    t.strictSame(after === null ? null : readReleased(after), released, `${name}: annotation`)
    t.match(after, { metadata: { resourceVersion: '7', annotations: { theirs: 'x' } }, spec: { nodeName: 'n1' } }, `${name}: only where nobody wrote meanwhile, and nothing else`)
    if (after !== null) t.equal(releasedPod(after, keys, OWN), null, `${name}: done again, it changes nothing`)
  }
  t.equal(releasedPod(pod({ tier: 'front' }, kept), keys, OWN), null)
})

t.test('the labels come back as they were, but where somebody has given others since', async (t) => {
  const released = releasedPod(pod(WEB), ['app', 'pod-template-hash'], OWN)
  if (released === null) throw new Error('nothing was taken')
  t.strictSame(restoredPod(released)?.metadata, pod(WEB).metadata)
  t.match(restoredPod(pod({ app: 'new' }, { ...OWN, labels: { app: 'web', tier: 'front' } }))?.metadata.labels, { app: 'new', tier: 'front' })
  t.equal(restoredPod(pod(WEB)), null)
  t.equal(restoredPod(pod(WEB, '"web"')), null, 'an annotation that is none of ours gives a pod no labels')
})
