import t from 'tap'
import { AutoshieldError } from '../../../src/core/errors.ts'
import type { Policy } from '../../../src/core/plan/reach/policy.ts'
import type { Cluster } from '../../../src/core/plan/reach/reach.ts'
import { readPolicy } from '../../../src/core/plan/reach/read-policy.ts'
import { madeScore } from '../../core/verdict/made-score.ts'
import { Bench, PODS } from '../bench.ts'
import { FakePods } from '../fakes.ts'
import { FakePolicies } from './fake-policies.ts'

const EGRESS = `
rules:
  - { id: scans, name: Scans, attack_class: PORT_SCAN, confidence_threshold: 0.9, cooldown_seconds: 60, ttl_seconds: 300, actions: [{ action_type: network_policy }] }
`

t.test('a detection becomes a NetworkPolicy, which programs its mitigation and goes with it', async (t) => {
  const pods = new FakePods(PODS)
  const policies = new FakePolicies(pods)
  const cluster: Cluster = { pods: PODS, namespaces: [{ name: 'shop', labels: {} }], nodes: [], policies: [], plugin: 'most' }
  const reach = { cluster: () => cluster, trouble: () => null, unjudged: () => [], onChange: () => ({ [Symbol.dispose]: () => undefined }) }
  await using bench = await Bench.start(t.testdir(), { policy: EGRESS, wrap: () => ({ pods, network: { reach, policies } }) })
  bench.fleet.isHeard = false
  await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: bench.nowMs, reporter: 'spiffe://autoshield.local/ns/shop/pod/u7' }))
  const only = () => bench.store.mitigations.list()[0]
  await bench.until(() => only()?.status.conditions.some(({ type, status }) => type === 'Programmed' && status === 'True') === true)
  t.match(only(), { spec: { policies: ['egress'] }, status: { targets: [{ target: /^networkpolicy\/shop\//, state: 'programmed' }] } })
  t.equal(policies.stored.size, 1)

  policies.refuses = (what) => what.startsWith('remove') ? new AutoshieldError('UNAVAILABLE', 'etcd is away') : null
  await bench.beat(301_000)
  await bench.until(() => only()?.status.conditions.some(({ reason }) => reason === 'NotRemoved') === true)
  t.equal(only()?.status.phase, 'expired')
  policies.refuses = () => null
  await bench.beat(60_000)
  await bench.until(() => policies.stored.size === 0)
  await bench.until(() => only()?.status.conditions.every(({ reason }) => reason !== 'NotRemoved') === true)
  t.ok(bench.trail().includes('networkpolicy.removed networkpolicies Unasked'))
})

t.test('a policy of somebody else that comes in the way is answered by the next option, or told', async (t) => {
  const pods = new FakePods(PODS.map((pod) => ({ ...pod, labels: { app: pod.name } })))
  const policies = new FakePolicies(pods)
  const letting = (name: string, app: string, spec: object): Policy => readPolicy({ metadata: { namespace: 'shop', name }, spec: { podSelector: { matchLabels: { app } }, ...spec } })
  const world: { cluster: Cluster } = { cluster: { pods: pods.list(), namespaces: [{ name: 'shop', labels: {} }], nodes: [], policies: [], plugin: 'most' } }
  const reach = { cluster: () => ({ ...world.cluster, pods: pods.list() }), trouble: () => null, unjudged: () => [], onChange: () => ({ [Symbol.dispose]: () => undefined }) }
  await using bench = await Bench.start(t.testdir(), { policy: EGRESS.replace('network_policy }', 'network_policy, parameters: { direction: both } }'), wrap: () => ({ pods, network: { reach, policies } }) })
  await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: bench.nowMs, reporter: 'spiffe://autoshield.local/ns/shop/pod/u7' }))
  const only = () => bench.store.mitigations.list()[0]
  const degraded = () => only()?.status.conditions.find(({ type }) => type === 'Degraded')
  await bench.until(() => policies.stored.size === 1)
  t.strictSame(only()?.spec.policies, ['egress'])

  const out = letting('let-out', 'web-7', { policyTypes: ['Egress'], egress: [{}] })
  world.cluster = { ...world.cluster, policies: [out] }
  await bench.beat()
  await bench.until(() => only()?.spec.policies?.join() === 'ingress')
  await bench.until(() => [...policies.stored.keys()].join().endsWith('-ingress'))
  t.match(bench.audit.search({ limit: 50 }).find(({ action }) => action === 'mitigation.replanned'), { reason: 'AddsUp', detail: { outcome: 'moved', message: /shop\/let-out allows it/, before: ['egress'], policies: ['ingress'] } })

  world.cluster = { ...world.cluster, policies: [out, letting('let-in', 'db-0', { ingress: [{}] })] }
  await bench.beat()
  await bench.until(() => degraded()?.status === 'True')
  t.match(degraded(), { reason: 'AddsUp', message: /shop\/let-in allows it/ })
  t.equal(policies.stored.size, 1, 'it stays, for it opens nothing')

  world.cluster = { ...world.cluster, policies: [] }
  await bench.beat()
  await bench.until(() => degraded()?.status === 'False')
})
