import t, { type Test } from 'tap'
import type { Cluster } from '../../src/core/plan/reach/reach.ts'
import { outlookOf } from '../../src/controller/foresee.ts'
import { sampleDecision } from '../adapters/store/samples.ts'
import { ATTACKER, madeScore } from '../core/verdict/made-score.ts'
import { FakePolicies } from './actuation/fake-policies.ts'
import { Bench, POLICY, PODS } from './bench.ts'
import { FakePods } from './fakes.ts'

const asks = (actions: string): string => `
rules:
  - { id: scans, name: Scans, attack_class: PORT_SCAN, confidence_threshold: 0.9, cooldown_seconds: 60, ttl_seconds: 3000, approval: { required: always }, actions: [${actions}] }
`
const scan = (endMs: number) => madeScore({ PORT_SCAN: 0.97 }, { endMs, reporter: ATTACKER })

/** A loop in a cluster without policies, in which a scan waits for a person. */
async function waiting (t: Test, actions: string): Promise<Bench> {
  const pods = new FakePods(PODS)
  const cluster: Omit<Cluster, 'pods'> = { namespaces: [{ name: 'shop', labels: {} }], nodes: [], policies: [], plugin: 'most' }
  const reach = { cluster: () => ({ ...cluster, pods: pods.list() }), trouble: () => null, unjudged: () => [], onChange: () => ({ [Symbol.dispose]: () => undefined }) }
  const bench = await Bench.start(t.testdir(), { policy: asks(actions), wrap: () => ({ pods, network: { reach, policies: new FakePolicies(pods) } }) })
  await bench.scores.push(scan(bench.nowMs))
  return bench
}
const idOf = (bench: Bench): string => bench.controller.approvals.waiting[0]?.id ?? ''

t.test('what a yes would do is told beforehand, and is what it then does', async (t) => {
  await using bench = await waiting(t, '{ action_type: network_policy }')
  const id = idOf(bench)
  const outlook = bench.controller.outlook(id)
  t.match(outlook, {
    decision: { id, verdict: 'mitigate', reason: 'RuleMatched' },
    touches: { total: 1, listed: [{ uid: 'u7' }] },
    undo: /can reach .* again/,
    flows: { state: 'reckoned', effect: { options: [{ policies: ['egress'], state: 'taken', cuts: { total: 1 } }] } },
  })
  await bench.controller.approvals.answer(id, 'approve', 'ada', 'seen')
  const [made] = bench.store.mitigations.list()
  t.strictSame([made?.spec.policies, made?.spec.expiresAt], [['egress'], outlook.expiresAt])
  const after = bench.controller.effect(made ?? t.fail() as never)
  t.strictSame(after.options.map(({ policies, state, cuts }) => ({ policies, state, cuts })), outlook.flows.state === 'reckoned' && outlook.flows.effect.options.map(({ policies, state, cuts }) => ({ policies, state, cuts })))
})

t.test('looking does nothing: no decision, no mitigation, no budget is used, and it still waits', async (t) => {
  await using bench = await waiting(t, '{ action_type: network_policy }')
  const id = idOf(bench)
  const before = [bench.store.decisions.list(), bench.trail()]
  for (let look = 0; look < 50; look++) bench.controller.outlook(id)
  t.strictSame([bench.store.decisions.list(), bench.trail()], before)
  t.equal(bench.controller.approvals.waiting.length, 1)
  t.match(bench.controller.outlook(id), { decision: { verdict: 'mitigate' } }, 'fifty looks are no burst of actions')
})

t.test('it says where safety would refuse all the same, and still what it would have cut', async (t) => {
  await using bench = await waiting(t, '{ action_type: network_policy }')
  const id = idOf(bench)
  await bench.controller.killSwitch.pull('ada', 'a drill', false)
  t.match(bench.controller.outlook(id), { decision: { verdict: 'suppress', reason: 'Halted' }, flows: { state: 'reckoned' } })
})

t.test('of what is done once it says whom it touches, and that no NetworkPolicy is part of it', (t) => {
  const pods = Array.from({ length: 150 }, (_, at) => ({ ...PODS[0], uid: `u${at}`, namespace: 'shop', name: `web-${at}`, addresses: [], labels: {}, node: 'n' }))
  const plan = { spec: null, objects: [], targets: [], blastRadius: pods, subject: null, reason: 'RuleMatched', message: 'Evicts them.', undo: 'Cannot be undone.' } as const
  const outlook = outlookOf({ id: 'd1' }, { decision: sampleDecision('other'), plan }, () => { throw new Error('not asked') })
  t.match(outlook, { decision: { id: 'd1' }, touches: { total: 150 }, expiresAt: null, undo: 'Cannot be undone.', flows: { state: 'none' } })
  t.equal(outlook.touches.listed.length, 100)
  t.match(outlookOf({ id: 'd1' }, { decision: sampleDecision('other'), plan: null }, () => { throw new Error('not asked') }), { touches: { total: 0 }, targets: [], flows: { state: 'none' } })
  t.end()
})

t.test('without a cluster it says that what would be cut is not known', async (t) => {
  await using bench = await Bench.start(t.testdir(), { policy: POLICY.replace('    actions:', '    approval: { required: always }\n    actions:') })
  await bench.scores.push(scan(bench.nowMs))
  const [one] = bench.controller.approvals.waiting
  t.match(bench.controller.outlook(one?.id ?? ''), { decision: { verdict: 'mitigate' }, flows: { state: 'unknown', why: /No cluster is connected/ } })
})

t.test('of what does not wait, or has lost its rule, there is none', async (t) => {
  await using bench = await waiting(t, '{ action_type: network_policy }')
  const id = idOf(bench)
  t.throws(() => bench.controller.outlook('nobody'), { code: 'NOT_FOUND' })
  await bench.controller.approvals.answer(id, 'reject', 'ada', 'a backup')
  t.throws(() => bench.controller.outlook(id), { code: 'CONFLICT', message: /rejected already by ada/ })
})
