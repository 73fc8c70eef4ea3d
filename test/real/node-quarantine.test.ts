import t from 'tap'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { readNodeFacts } from '../../src/core/kubernetes/node-facts.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import { DEFAULT_ACTIONS } from '../../src/core/safety/settings.ts'
import type { KubernetesApi } from '../../src/ports/kubernetes.ts'
import { Bench } from '../controller/bench.ts'
import { ATTACKER, madeScore, T0 } from '../core/verdict/made-score.ts'
import { until } from '../xds/real-envoy.ts'
import { testCluster, withoutCluster } from './cluster/test-cluster.ts'

t.setTimeout(180_000)

const POLICY = `
rules:
  - { id: scans, name: Scans, attack_class: PORT_SCAN, confidence_threshold: 0.9, cooldown_seconds: 1, ttl_seconds: 300, approval: { required: never }, actions: [{ action_type: node_quarantine }] }
`
const KEY = 'autoshield.dev/quarantine'

t.test('a node is quarantined for real, kept so, and undone to what it was', { skip: withoutCluster('api') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'api' })
  const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
  t.teardown(() => api[Symbol.dispose]())
  const suffix = (await cluster.namespace()).slice(-8)
  const [suspect, spare] = [`suspect-${suffix}`, `spare-${suffix}`]
  for (const name of [suspect, spare]) {
    await cluster.kubectl(['create', '-f', '-'], { stdin: JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: { taints: [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }] } }) })
    t.teardown(() => cluster.kubectl(['delete', 'node', name, '--ignore-not-found', '--wait=false']))
  }
  const ready = async (name: string): Promise<void> => {
    await cluster.kubectl(['patch', 'node', name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status: { conditions: [{ type: 'Ready', status: 'True', reason: 'Test', lastHeartbeatTime: new Date().toISOString(), lastTransitionTime: new Date().toISOString() }] } })])
  }
  for (const name of [suspect, spare]) await ready(name)
  // The suite's cluster may have nodes of its own; here only these two count.
  const ours: Pick<KubernetesApi, 'list' | 'replace'> = { list: async (resource) => (await api.list(resource)).filter(({ metadata: { name } }) => name.endsWith(suffix)), replace: async (...args) => api.replace(...args) }
  const pod = { uid: 'u7', namespace: 'shop', name: 'web-7', addresses: ['10.0.0.7'], labels: {}, node: suspect }
  const victim = { uid: 'u9', namespace: 'shop', name: 'db-0', addresses: ['10.0.0.9'], labels: {}, node: spare }
  let facts = (await ours.list(RESOURCES.nodes)).map(readNodeFacts)
  const dir = t.testdir()
  const options = {
    policy: POLICY,
    wrap: () => ({
      actions: { ...DEFAULT_ACTIONS, node_quarantine: 'here' as const },
      nodes: { directory: { list: () => facts }, api: ours },
      pods: { byAddress: (address: string) => address === '10.0.0.7' ? pod : address === '10.0.0.9' ? victim : null, byUid: (uid: string) => [pod, victim].find((each) => each.uid === uid) ?? null, list: () => [pod, victim] },
    }),
  }
  const state = async (name: string): Promise<string> => (await cluster.kubectl(['get', 'node', name, '-o', 'jsonpath={.spec.unschedulable} {.spec.taints[*].key} {.metadata.annotations.autoshield\\.dev/quarantine}'])).trim().replaceAll(/ ?node\.kubernetes\.io\/\S+/g, '')
  const untouched = await state(suspect)
  t.equal(untouched, 'dedicated')
  let name = ''

  await t.test('tainted and cordoned, beside the taints of others; and again when somebody takes it off', async (t) => {
    await using bench = await Bench.start(dir, options)
    await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500, reporter: ATTACKER }))
    const [mitigation] = bench.store.mitigations.list()
    t.match(bench.store.decisions.list(), [{ verdict: 'mitigate', reason: 'RuleMatched', action: 'node_quarantine' }])
    t.match(mitigation?.spec, { action: 'quarantine', node: { name: suspect, effect: 'NoSchedule' }, victims: [] })
    name = mitigation?.metadata.name ?? ''
    await until(async () => state(suspect), async () => {
      await bench.beat()
      return (await state(suspect)) === `true dedicated ${KEY} was-open` || undefined
    })
    const programmed = (): unknown => bench.store.mitigations.get(name)?.status.conditions.find(({ type }) => type === 'Programmed')
    await bench.until(() => (programmed() as { status: string }).status === 'True')
    t.match(bench.store.mitigations.get(name)?.status.targets, [{ target: `node/${suspect}`, state: 'programmed' }])
    t.equal(await state(spare), untouched, 'the other node is as it was')
    await cluster.kubectl(['uncordon', suspect])
    await cluster.kubectl(['taint', 'node', suspect, `${KEY}-`])
    await until(async () => state(suspect), async () => {
      await bench.beat(11_000)
      return (await state(suspect)) === `true dedicated ${KEY} was-open` || undefined
    })
  })

  await t.test('a controller that was away when it ended takes it back', async (t) => {
    await using bench = await Bench.start(dir, { ...options, nowMs: T0 + 400_000 })
    await until(async () => state(suspect), async () => {
      await bench.beat()
      return (await state(suspect)) === untouched || undefined
    })
    t.equal(bench.store.mitigations.get(name)?.status.phase, 'expired')
  })

  await t.test('one that was cordoned before stays so, undone by the kill switch', async (t) => {
    await cluster.kubectl(['cordon', suspect])
    await using bench = await Bench.start(`${dir}/second`, options)
    await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500, reporter: ATTACKER }))
    await until(async () => state(suspect), async () => {
      await bench.beat()
      return (await state(suspect)) === `true dedicated ${KEY} was-cordoned` || undefined
    })
    await bench.controller.killSwitch.pull('ada', 'wrong', true)
    await until(async () => state(suspect), async () => {
      await bench.beat()
      return (await state(suspect)) === 'true dedicated' || undefined
    })
    await cluster.kubectl(['uncordon', suspect])
  })

  await t.test('the last node that takes pods is not quarantined: said at once, and let go where that comes true later', async (t) => {
    await using bench = await Bench.start(`${dir}/third`, options)
    await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500, reporter: ATTACKER }))
    await until(async () => state(suspect), async () => {
      await bench.beat()
      return (await state(suspect)).includes(KEY) || undefined
    })
    await cluster.kubectl(['cordon', spare])
    await until(async () => state(suspect), async () => {
      await bench.beat(11_000)
      return (await state(suspect)) === untouched || undefined
    })
    await bench.until(() => bench.store.mitigations.list()[0]?.status.conditions.some(({ type, status, reason }) => type === 'Degraded' && status === 'True' && reason === 'NodeNeeded') === true)
    facts = (await ours.list(RESOURCES.nodes)).map(readNodeFacts)
    await using other = await Bench.start(`${dir}/fourth`, options)
    await other.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500, reporter: ATTACKER }))
    t.match(other.store.decisions.list(), [{ verdict: 'alert', reason: 'NodeNeeded' }])
  })
})
