import t from 'tap'
import type { KubernetesObject } from '../../../src/core/kubernetes/object.ts'
import { quarantinedNode } from '../../../src/core/mitigation/node-quarantine.ts'

const KEY = 'autoshield.dev/quarantine'
const OURS = { key: KEY, value: 'm-1', effect: 'NoSchedule' }
const THEIRS = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }
const node = (spec: object, annotation?: string): KubernetesObject => ({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', resourceVersion: '7', annotations: { theirs: 'x', ...(annotation !== undefined && { [KEY]: annotation }) } }, spec: { podCIDR: '10.0.0.0/24', ...spec } })
const WANTED = new Map([['NoSchedule', 'm-1']] as const)
const NONE = new Map<never, never>()

t.test('each row of the table: what a node becomes, and that others keep what is theirs', (t) => {
  const rows: [string, KubernetesObject, typeof WANTED | typeof NONE, object | null, string | null][] = [
    ['open, wanted', node({ taints: [THEIRS] }), WANTED, { unschedulable: true, taints: [THEIRS, OURS] }, 'was-open'],
    ['cordoned, wanted', node({ unschedulable: true }), WANTED, { unschedulable: true, taints: [OURS] }, 'was-cordoned'],
    ['somebody took our taint off', node({ unschedulable: true }, 'was-open'), WANTED, { unschedulable: true, taints: [OURS] }, 'was-open'],
    ['somebody opened it', node({ taints: [OURS] }, 'was-cordoned'), WANTED, { unschedulable: true, taints: [OURS] }, 'was-cordoned'],
    ['no more wanted, it was open', node({ unschedulable: true, taints: [OURS, THEIRS] }, 'was-open'), NONE, { taints: [THEIRS] }, null],
    ['no more wanted, it was cordoned', node({ unschedulable: true, taints: [OURS] }, 'was-cordoned'), NONE, { unschedulable: true }, null],
    ['a taint without our annotation', node({ unschedulable: true, taints: [OURS] }), NONE, { unschedulable: true }, null],
  ]
  for (const [name, before, wanted, spec, annotation] of rows) {
    const after = quarantinedNode(before, wanted)
    t.strictSame(after?.['spec'], { podCIDR: '10.0.0.0/24', ...spec }, name)
    t.strictSame(after?.metadata.annotations, { theirs: 'x', ...(annotation !== null && { [KEY]: annotation }) }, `${name}: annotations`)
    t.equal(after?.metadata.resourceVersion, '7', `${name}: only where nobody wrote meanwhile`)
    if (after !== null) t.equal(quarantinedNode(after, wanted), null, `${name}: done again, it changes nothing`)
  }
  t.equal(quarantinedNode(node({ taints: [THEIRS] }), NONE), null, 'what was never ours is left alone')
  t.equal(quarantinedNode(node({ unschedulable: true }), NONE), null, 'a cordon of others as well')
  const both = quarantinedNode(node({}), new Map([['NoSchedule', 'm-1'], ['NoExecute', 'm-2']] as const))
  t.match(both?.['spec'], { taints: [OURS, { key: KEY, value: 'm-2', effect: 'NoExecute' }] })
  t.end()
})
