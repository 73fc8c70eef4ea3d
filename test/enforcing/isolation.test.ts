import { randomUUID } from 'node:crypto'
import t from 'tap'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { markOf, POD_LABEL } from '../../src/core/plan/pod-mark.ts'
import { Bench } from '../controller/bench.ts'
import { madeScore } from '../core/verdict/made-score.ts'
import { testCluster, withoutCluster } from '../real/cluster/test-cluster.ts'
import { followCluster } from '../kubernetes/follow-cluster.ts'
import { until } from '../xds/real-envoy.ts'
import { Ends, type Attempt } from './ends.ts'

t.setTimeout(600_000)

const WITHIN_MS = 2000
const PATIENT_MS = 90_000
const PORT = 7076
const POLICY = `
rules:
  - { id: scans, name: Scans, attack_class: PORT_SCAN, confidence_threshold: 0.9, cooldown_seconds: 1, ttl_seconds: 86400, approval: { required: never }, actions: [{ action_type: pod_isolation }] }
`

t.test('an isolated pod of a ReplicaSet is cut off by real packets, replaced, and as it was after the undo', { skip: withoutCluster('enforcing') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'enforcing' })
  const shop = await cluster.namespace()
  const kubectl = async (...args: string[]): Promise<string> => cluster.kubectl(['-n', shop, ...args])
  const order = (name: string, node: string, app: string) => ({ namespace: shop, name, node, labels: { app, [POD_LABEL]: markOf(randomUUID()) } })
  const { outside } = cluster.enforcing
  const ends = await Ends.start(t, cluster, { pods: [order('web', 'node-1', 'web'), order('near', 'node-1', 'near'), order('far', 'node-2', 'far')], machines: [...cluster.enforcing.nodes, outside], ports: [PORT] })
  const image = await kubectl('get', 'pod', 'web', '-o', 'jsonpath={.spec.containers[0].image}')
  await cluster.kubectl(['-n', shop, 'create', '-f', '-'], {
    stdin: [
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: PORT }] } },
      // It adopts the pod that is there.
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'web' }, spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'end', image, imagePullPolicy: 'Never', command: ['sleep', '3600'] }] } } } },
    ].map((object) => JSON.stringify(object)).join('\n---\n')
  })
  await kubectl('annotate', 'pod', 'web', 'controller.kubernetes.io/pod-deletion-cost=100') // of two it keeps this one
  const owner = async (): Promise<string> => kubectl('get', 'pod', 'web', '-o', 'jsonpath={.metadata.ownerReferences[*].kind}')
  await until('the ReplicaSet has the pod', async () => await owner() === 'ReplicaSet' || undefined, PATIENT_MS)
  const web = ends.pods[0]
  if (web === undefined) throw new Error('no pod')
  const [own = ''] = web.addresses
  const served = async (): Promise<string> => kubectl('get', 'endpointslices', '-l', 'kubernetes.io/service-name=web', '-o', 'jsonpath={.items[*].endpoints[*].addresses[*]}')
  const others = ends.addresses.filter((address) => address !== own)
  const [ownNode = ''] = cluster.enforcing.nodes[0]?.addresses ?? []
  const ways = others.flatMap((other): Attempt[] => [{ source: own, destination: other, protocol: 'TCP', port: PORT }, { source: other, destination: own, protocol: 'TCP', port: PORT }])
  const passing = async (): Promise<string[]> => {
    const reached = await ends.try(ways, WITHIN_MS)
    return ways.filter((_, at) => reached[at] === true).map(({ source, destination }) => `${source} > ${destination}`)
  }
  const labels = async (): Promise<unknown> => JSON.parse(await kubectl('get', 'pod', 'web', '-o', 'jsonpath={.metadata.labels}'))
  const before = { labels: await labels(), passing: await passing() }
  t.equal(before.passing.length, ways.length)

  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  const { pods, policies, reach, selectors } = await followCluster(t, api, shop)
  const bench = await Bench.start(t.testdir(), { nowMs: Date.now(), policy: POLICY, wrap: () => ({ pods, network: { reach, policies, release: { api, installation: shop, selectors: (of) => selectors.of(of) } } }) })
  t.teardown(async () => bench[Symbol.asyncDispose]())
  const eventually = async (what: string, holds: () => Promise<boolean>): Promise<unknown> => until(what, async () => {
    await bench.beat()
    return await holds() || undefined
  }, PATIENT_MS)

  await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { key: { kind: 'pair', source: own, destination: others[0] ?? '' }, endMs: bench.nowMs, reporter: `spiffe://autoshield.local/ns/${shop}/pod/${web.uid}` }))
  const mitigation = () => bench.store.mitigations.list()[0]
  t.match(mitigation()?.spec, { policies: ['isolation'], relabel: 'owner-and-services' })
  await eventually('it is programmed', async () => mitigation()?.status.conditions.find(({ type }) => type === 'Programmed')?.status === 'True')
  await eventually('everything is cut but the way from its own node, which carries the kubelet\'s probes', async () => (await passing()).join() === `${ownNode} > ${own}`)
  await eventually('another pod serves in its place', async () => await owner() === '' && ![own, ''].includes((await served()).trim()) && !(await served()).includes(own))
  t.strictSame(bench.audit.search({ limit: 100 }).filter(({ action }) => action === 'pod.labels-taken').map(({ object, reason }) => `${object} ${reason}`), [`pods/${shop}/web RuleMatched`])

  await bench.controller.revert(mitigation()?.metadata.name ?? '', 'ada', 'a drill')
  await eventually('its policy is gone', async () => (await kubectl('get', 'networkpolicies', '-o', 'name')).trim() === '')
  await eventually('one pod is left to the ReplicaSet', async () => (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'name')).trim().split('\n').length === 1)
  t.strictSame(await labels(), before.labels)
  await eventually('everything passes again', async () => (await passing()).join() === before.passing.join())
})
