import { randomUUID } from 'node:crypto'
import t from 'tap'
import { openKubernetes } from '../../src/adapters/kubernetes/open-kubernetes.ts'
import { cleanUp, type LeftOver } from '../../src/controller/actuation/cleanup.ts'
import { ciliumDenial } from '../../src/core/plan/cilium-policy.ts'
import type { Denial } from '../../src/core/plan/network-policy.ts'
import { markOf, POD_LABEL } from '../../src/core/plan/pod-mark.ts'
import { readDenial } from '../../src/core/plan/reach/read-denial.ts'
import { Reach } from '../../src/core/plan/reach/reach.ts'
import { Bench } from '../controller/bench.ts'
import { madeScore } from '../core/verdict/made-score.ts'
import { testCluster, withoutCluster } from '../real/cluster/test-cluster.ts'
import { followCluster } from '../kubernetes/follow-cluster.ts'
import { until } from '../xds/real-envoy.ts'
import { Agents } from './agents.ts'
import { Ends, type Attempt } from './ends.ts'

t.setTimeout(600_000)

const WITHIN_MS = 2000
const [PORT, OTHER_PORT] = [7074, 7075] as const
const API_PORT = 6443
const RULES = `
rules:
  - { id: scans, name: Scans, attack_class: PORT_SCAN, confidence_threshold: 0.9, cooldown_seconds: 0, ttl_seconds: 86400, approval: { required: never }, actions: [{ action_type: network_policy, parameters: { direction: both } }] }
`

t.test('Cilium\'s own policies deny what they say and nothing else', { skip: withoutCluster('enforcing') }, async (t) => {
  const cluster = await testCluster(t, { needs: 'enforcing' })
  const [shop, spared] = [await cluster.namespace(), await cluster.namespace()]
  const order = (name: string, node: string, namespace = shop) => ({ namespace, name, node, labels: { app: name, [POD_LABEL]: markOf(randomUUID()) } })
  const ends = await Ends.start(t, cluster, { pods: [order('attacker', 'node-1'), order('db', 'node-1'), order('far', 'node-2'), order('dns', 'node-2', spared)], machines: [...cluster.enforcing.nodes, cluster.enforcing.outside], ports: [PORT, OTHER_PORT] })
  const agents = new Agents(cluster.enforcing.nodes)
  await agents.inForce(new Set(), ends.pods)
  const [attacker, db, , dns] = ends.pods.map(({ labels, ...pod }) => ({ ...pod, labels, mark: labels[POD_LABEL] ?? '' }))
  if (attacker === undefined || db === undefined || dns === undefined) throw new Error('the pods are not all there')
  const [own = '', far = '', dbAddress = ''] = [attacker.addresses[0], ends.pods[2]?.addresses[0], db.addresses[0]]
  const nodes = cluster.enforcing.nodes.map(({ name, addresses }) => ({ name, addresses: [...addresses] }))
  const [outside = ''] = cluster.enforcing.outside.addresses
  const names = new Map([[own, 'attacker'], [dbAddress, 'db'], [far, 'far'], [dns.addresses[0] ?? '', 'dns'], [nodes[0]?.addresses[0] ?? '', 'own node'], [nodes[1]?.addresses[0] ?? '', 'other node'], [outside, 'outside']])
  const others = [...names.keys()].filter((address) => address !== own)
  const attempts = others.flatMap((other) => [PORT, OTHER_PORT].flatMap((port) => (['TCP', 'UDP'] as const).flatMap((protocol): Attempt[] => [
    { source: own, destination: other, protocol, port }, { source: other, destination: own, protocol, port },
  ]))).concat({ source: own, destination: nodes[0]?.addresses[0] ?? '', protocol: 'TCP', port: API_PORT })
  const say = ({ source, destination, protocol, port }: Attempt): string => `${names.get(source) ?? source} to ${names.get(destination) ?? destination} ${protocol} ${port === API_PORT ? 'API' : port}`
  const cut = async (): Promise<string[]> => {
    const reached = await ends.try(attempts, WITHIN_MS)
    return attempts.filter((_, at) => reached[at] !== true).map(say)
  }
  t.strictSame(await cut(), [], 'without a policy everything passes')

  await t.test('packets and the evaluator agree on each form of denial', async (t) => {
    const forms: Record<string, ['egress' | 'ingress', Denial]> = {
      'a pod, on one port, at the egress': ['egress', { other: { pods: [db] }, ports: [PORT] }],
      'pods of two namespaces at the ingress': ['ingress', { other: { pods: [db, dns] }, ports: 'any' }],
      'an address outside': ['egress', { other: { addresses: [outside] }, ports: 'any' }],
      'everybody but a namespace': ['egress', { other: { everybodyBut: [spared] }, ports: 'any' }],
    }
    for (const [name, [direction, denial]] of Object.entries(forms)) {
      const policy = ciliumDenial({ name: 'tried', namespace: shop }, [attacker], direction, denial)
      const uid = await cluster.kubectl(['create', '-f', '-', '-o', 'jsonpath={.metadata.uid}'], { stdin: JSON.stringify(policy) })
      await agents.inForce(new Set([uid]), ends.pods)
      const reach = new Reach({ pods: ends.pods, namespaces: [shop, spared].map((each) => ({ name: each, labels: { 'kubernetes.io/metadata.name': each } })), nodes, policies: [readDenial(policy)], plugin: 'cilium' })
      const expected = attempts.filter((attempt) => !reach.verdict(attempt).allowed).map(say)
      t.ok(expected.length > 0)
      t.strictSame(await cut(), expected, name)
      await cluster.kubectl(['-n', shop, 'delete', 'ciliumnetworkpolicy', 'tried'])
      await agents.inForce(new Set(), ends.pods)
    }
  })

  await t.test('the loop writes one, keeps it, takes it away, and cleanup takes what a dead controller left', async (t) => {
    const api = openKubernetes({ kubeconfig: cluster.kubeconfig })
    t.teardown(() => api[Symbol.dispose]())
    const { pods, policies, reach } = await followCluster(t, api, shop)
    const dir = t.testdir()
    const bench = await Bench.start(dir, { nowMs: Date.now(), policy: RULES, wrap: () => ({ pods, network: { reach, policies } }) })
    let closed = false
    const close = async (): Promise<void> => { if (!closed) { closed = true; await bench[Symbol.asyncDispose]() } }
    t.teardown(close)
    const stored = async (): Promise<string> => (await cluster.kubectl(['-n', shop, 'get', 'ciliumnetworkpolicies', '-o', 'jsonpath={range .items[*]}{.metadata.name} {.metadata.uid}{"\\n"}{end}'])).trim()
    const eventually = async <T>(what: string, found: () => Promise<T | undefined>): Promise<T> => until(what, async () => {
      await bench.beat()
      return found()
    }, 60_000)
    const uidOf = async (): Promise<string> => (await stored()).split(' ')[1] ?? ''
    const asked = [say({ source: own, destination: dbAddress, protocol: 'TCP', port: PORT }), say({ source: own, destination: dbAddress, protocol: 'UDP', port: PORT }), say({ source: own, destination: dbAddress, protocol: 'TCP', port: OTHER_PORT }), say({ source: own, destination: dbAddress, protocol: 'UDP', port: OTHER_PORT })].sort()

    await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { key: { kind: 'pair', source: own, destination: dbAddress }, endMs: bench.nowMs, reporter: `spiffe://autoshield.local/ns/${shop}/pod/${attacker.uid}` }))
    const mitigation = () => bench.store.mitigations.list()[0]
    await eventually('it is programmed', async () => mitigation()?.status.conditions.find(({ type }) => type === 'Programmed')?.status === 'True' || undefined)
    t.match(mitigation(), { spec: { policies: ['egress-deny'] }, status: { targets: [{ target: /^ciliumnetworkpolicy\//, state: 'programmed' }] } })
    await agents.inForce(new Set([await uidOf()]), ends.pods)
    t.strictSame((await cut()).sort(), asked, 'the attack alone is cut: nodes, API server, the world and other pods stay in reach')

    const [name = '', first = ''] = (await stored()).split(' ')
    await cluster.kubectl(['-n', shop, 'delete', 'ciliumnetworkpolicy', name])
    await eventually('it is put back', async () => ![first, ''].includes(await uidOf()) || undefined)
    await cluster.kubectl(['-n', shop, 'patch', 'ciliumnetworkpolicy', name, '--type=json', '--field-manager=meddler', '--patch', '[{"op":"replace","path":"/spec/egressDeny/0/toEndpoints","value":[{"matchLabels":{"app":"nobody"}}]}]'])
    await eventually('it says what it said', async () => bench.audit.search({ limit: 50 }).some(({ actor, object, reason }) => reason === 'PutBack' && actor === 'field-manager/meddler' && object === `ciliumnetworkpolicies/${shop}/${name}`) || undefined)
    await agents.inForce(new Set([await uidOf()]), ends.pods)
    t.strictSame((await cut()).sort(), asked)

    await bench.controller.revert(mitigation()?.metadata.name ?? '', 'ada', 'a drill')
    await eventually('it is gone', async () => await stored() === '' || undefined)
    await agents.inForce(new Set(), ends.pods)
    t.strictSame(await cut(), [], 'undone, everything passes')

    await bench.beat(600_000)
    await bench.beat(600_000)
    await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { key: { kind: 'pair', source: own, destination: dbAddress }, endMs: bench.nowMs, reporter: `spiffe://autoshield.local/ns/${shop}/pod/${attacker.uid}` }))
    await eventually('another is there', async () => await stored() !== '' || undefined)
    await close()
    const found: LeftOver[] = []
    for await (const left of cleanUp(api, { ownNamespace: shop, remove: true, nowMs: Date.now() })) found.push(left)
    t.match(found, [{ kind: 'CiliumNetworkPolicy', namespace: shop, outcome: 'removed' }])
    t.equal(await stored(), '')
  })
})
