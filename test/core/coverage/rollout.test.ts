import t from 'tap'
import { mayBegin, readWorkload, share, type Workload } from '../../../src/core/coverage/rollout.ts'

const object = (kind: string, spec: object, status: object, generation = 2) => ({ apiVersion: 'apps/v1', kind, metadata: { name: 'web', namespace: 'shop', generation }, spec, status })

const rows: readonly [string, ReturnType<typeof object>, object][] = [
  ['a Deployment whose new pods are all available is done', object('Deployment', { replicas: 4 }, { observedGeneration: 2, replicas: 4, updatedReplicas: 4, availableReplicas: 4 }), { rollout: { state: 'done' }, pods: 4, mayBeAway: 1 }],
  ['a controller that has not seen the newest template is not done', object('Deployment', { replicas: 4 }, { observedGeneration: 1, replicas: 4, updatedReplicas: 4, availableReplicas: 4 }), { rollout: { state: 'going' } }],
  ['old pods that still run are waited for', object('Deployment', { replicas: 2 }, { observedGeneration: 2, replicas: 3, updatedReplicas: 2, availableReplicas: 2 }), { rollout: { state: 'going', ready: 2, wanted: 2 } }],
  ['a Deployment past its deadline is stuck, in its own words', object('Deployment', {}, { observedGeneration: 2, conditions: [{ type: 'Progressing', status: 'False', message: 'no progress' }] }), { rollout: { state: 'stuck', message: 'no progress' } }],
  ['Recreate takes all pods away', object('Deployment', { replicas: 5, strategy: { type: 'Recreate' } }, {}), { mayBeAway: 5 }],
  ['a share of a Deployment is rounded down', object('Deployment', { replicas: 5, strategy: { rollingUpdate: { maxUnavailable: '30%' } } }, {}), { mayBeAway: 1 }],
  ['a small Deployment makes its new pod first, so none is away', object('Deployment', { replicas: 1 }, {}), { mayBeAway: 0 }],
  ['without a surge Kubernetes takes one away at least', object('Deployment', { replicas: 3, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '25%' } } }, {}), { mayBeAway: 1 }],
  ['so it does with a surge of no per cent', object('Deployment', { replicas: 3, strategy: { rollingUpdate: { maxSurge: '0%' } } }, {}), { mayBeAway: 1 }],
  ['a paused Deployment does not roll out', object('Deployment', { paused: true }, {}), { obstacle: 'it is paused' }],
  ['a StatefulSet is done when every pod is new and ready', object('StatefulSet', { replicas: 3 }, { observedGeneration: 2, updatedReplicas: 3, readyReplicas: 3 }), { rollout: { state: 'done' }, mayBeAway: 1, obstacle: '' }],
  ['a StatefulSet with a partition keeps old pods', object('StatefulSet', { replicas: 3, updateStrategy: { rollingUpdate: { partition: 2 } } }, {}), { obstacle: /partition 2/ }],
  ['OnDelete leaves the pods to their owner', object('DaemonSet', { updateStrategy: { type: 'OnDelete' } }, {}), { obstacle: /OnDelete/ }],
  ['a DaemonSet is as large as its nodes ask', object('DaemonSet', {}, { observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 2, numberAvailable: 3 }), { rollout: { state: 'going', ready: 2, wanted: 3 }, pods: 3, mayBeAway: 1 }],
]
for (const [name, workload, expected] of rows) t.test(name, async (t) => { t.match(readWorkload(workload), expected) })

t.test('what is no workload is none', async (t) => {
  t.equal(readWorkload(object('Job', {}, {})), null)
  t.equal(readWorkload({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' }, spec: { replicas: 'many' } }), null)
})

const workload = (name: string, mayBeAway: number): Workload => ({ kind: 'Deployment', namespace: 'shop', name, pods: 10, mayBeAway, obstacle: '', rollout: { state: 'going', ready: 0, wanted: 10 } })
const names = (workloads: readonly Workload[]) => workloads.map(({ name }) => name).join(' ')

t.test('no more pods are away at one time than the budget, and one workload always goes on', async (t) => {
  const waiting = [workload('a', 2), workload('b', 1), workload('c', 3), workload('d', 1)]
  t.equal(names(mayBegin(waiting, [], 3)), 'a b')
  t.equal(names(mayBegin(waiting, [workload('x', 2)], 3)), '', 'a does not fit beside x, and nobody overtakes it')
  t.equal(names(mayBegin([workload('huge', 50), workload('b', 1)], [], 3)), 'huge', 'one that takes more than all goes alone')
})

t.test('workloads of one pod each are paced too', async (t) => {
  const single = (at: number): Workload => workload(`w${at}`, 0)
  const waiting = Array.from({ length: 200 }, (_, at) => single(at))
  t.equal(mayBegin(waiting, [], 20).length, 20)
  t.equal(mayBegin(waiting, Array.from({ length: 18 }, (_, at) => single(at)), 20).length, 2)
})

t.test('a share is a number of pods, or so many in a hundred', async (t) => {
  t.equal(share('10%', 45, Math.floor), 4)
  t.equal(share('10%', 45, Math.ceil), 5)
  t.equal(share(3, 45, Math.floor), 3)
  t.equal(share('7', 45, Math.floor), 7)
})
