import t from 'tap'
import { AutoshieldError } from '../../../src/core/errors.ts'
import type { Cluster } from '../../../src/core/plan/reach/reach.ts'
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
  const cluster: Cluster = { pods: PODS, namespaces: [{ name: 'shop', labels: {} }], nodes: [], policies: [], blocksMatchPods: true }
  const reach = { cluster: () => cluster, trouble: () => null, onChange: () => ({ [Symbol.dispose]: () => undefined }) }
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
