import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { markOf, POD_LABEL } from '../../src/core/plan/pod-mark.ts'
import { testCluster, withoutCluster } from '../real/cluster/test-cluster.ts'
import { Agents } from './agents.ts'
import { Ends } from './ends.ts'

t.setTimeout(600_000)

const PORT = 7072
/** No answer within this is a packet that was refused; a loaded machine answers within a tenth of it. */
const ANSWERED_WITHIN_MS = 500
const TIMES = 3

t.test('a policy cuts a pod that bears its label already, and later one that is given it then', { skip: withoutCluster('enforcing') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'enforcing' })
  const namespace = await cluster.namespace()
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  const marks = Array.from({ length: TIMES }, () => markOf(randomUUID()))
  const pods = [
    ...marks.map((mark, at) => ({ namespace, name: `labelled-${at}`, node: 'node-1', labels: { app: 'web', [POD_LABEL]: mark } })),
    ...marks.map((_, at) => ({ namespace, name: `plain-${at}`, node: 'node-1', labels: { app: 'web' } })),
    { namespace, name: 'db', node: 'node-2', labels: { app: 'db' } },
  ]
  const ends = await Ends.start(t, cluster, { pods, machines: [], ports: [PORT] })
  await new Agents(cluster.enforcing.nodes).inForce(new Set(), ends.pods)
  const [db = ''] = ends.pods.find(({ name }) => name === 'db')?.addresses ?? []

  /** Milliseconds from the stored policy to the first packet that it stops. */
  const cutAfterMs = async (name: string, value: string): Promise<number> => {
    const pod = ends.pods.find((each) => each.name === name)
    const [source = ''] = pod?.addresses ?? []
    const passes = async (): Promise<boolean> => (await ends.try([{ source, destination: db, protocol: 'TCP', port: PORT }], ANSWERED_WITHIN_MS))[0] === true
    t.ok(await passes(), `${name} passes before`)
    await api.apply(RESOURCES.networkPolicies, {
      metadata: { name, namespace }, spec: { podSelector: { matchLabels: { [POD_LABEL]: value } }, policyTypes: ['Egress'] },
    }, { force: true })
    const stored = performance.now()
    if (pod?.labels[POD_LABEL] === undefined) await api.apply(RESOURCES.pods, { metadata: { name, namespace, labels: { [POD_LABEL]: value } } }, { force: true })
    for (;;) {
      const tried = performance.now()
      if (!await passes()) return Math.round(tried - stored)
      await delay(10)
    }
  }

  const [before, then]: [number[], number[]] = [[], []]
  for (const [at, mark] of marks.entries()) before.push(await cutAfterMs(`labelled-${at}`, mark))
  for (const at of marks.keys()) then.push(await cutAfterMs(`plain-${at}`, markOf(randomUUID())))
  t.comment(`labelled at admission: cut ${before.join(', ')} ms after the policy was stored; labelled then: ${then.join(', ')} ms`)
  t.ok(Math.max(...before) < Math.min(...then), 'each labelled one is cut sooner than any that is labelled then')
})
