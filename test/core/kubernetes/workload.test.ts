import t from 'tap'
import { workloadOf } from '../../../src/core/kubernetes/workload.ts'

const pod = (owner: { kind: string, name: string, controller?: boolean } | null, labels?: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', ...(labels !== undefined && { labels }), ...(owner !== null && { ownerReferences: [{ apiVersion: 'apps/v1', uid: 'o', controller: true, ...owner }] }) },
})

const rows: readonly [string, Parameters<typeof pod>, string | null][] = [
  ['one that nobody made', [null], null],
  ['one that its owner does not control', [{ kind: 'Node', name: 'n1', controller: false }], null],
  ['one of a StatefulSet', [{ kind: 'StatefulSet', name: 'db' }], 'StatefulSet/db'],
  ['one of a Deployment', [{ kind: 'ReplicaSet', name: 'web-5d' }, { 'pod-template-hash': '5d' }], 'Deployment/web'],
  ['the next release of it', [{ kind: 'ReplicaSet', name: 'web-77' }, { 'pod-template-hash': '77' }], 'Deployment/web'],
  ['one of a ReplicaSet alone', [{ kind: 'ReplicaSet', name: 'web-5d' }], 'ReplicaSet/web-5d'],
  ['one of the longest name', [{ kind: 'K'.repeat(63), name: 'n'.repeat(253) }], `${'K'.repeat(63)}/${'n'.repeat(253)}`],
  ['one with an owner that cannot be', [{ kind: 'K'.repeat(64), name: 'n'.repeat(253) }], null],
  ['one whose ReplicaSet is not named after the hash', [{ kind: 'ReplicaSet', name: 'web' }, { 'pod-template-hash': '5d' }], 'ReplicaSet/web'],
]
for (const [name, given, wanted] of rows) {
  t.test(name, async (t) => { t.equal(workloadOf(pod(...given)), wanted) })
}

t.test('one that an isolation took from its owner is of its workload still', async (t) => {
  const released = (workload: string | null) => ({ ...pod(null), metadata: { name: 'p', annotations: { 'autoshield.dev/released-labels': JSON.stringify({ installation: 'guard', labels: { app: 'web' }, workload }) } } })
  t.equal(workloadOf(released('Deployment/web')), 'Deployment/web')
  t.equal(workloadOf(released(null)), null)
  t.equal(workloadOf(released('n'.repeat(318))), null, 'but not of one that cannot be')
})
