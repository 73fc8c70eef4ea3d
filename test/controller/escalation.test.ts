import t, { type Test } from 'tap'
import type { Cluster } from '../../src/core/plan/reach/reach.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import { ATTACKER, madeScore } from '../core/verdict/made-score.ts'
import { FakePolicies } from './actuation/fake-policies.ts'
import { Bench, PODS } from './bench.ts'
import { FakePods } from './fakes.ts'

const rule = (escalation: string, more = ''): string => `
rules:
  - { id: scans, name: Scans, attack_class: PORT_SCAN, confidence_threshold: 0.9, cooldown_seconds: 60, ttl_seconds: 3000, escalation: ${escalation}, ${more} actions: [{ action_type: network_policy }] }
`

/** A loop in a cluster where a scan is denied by NetworkPolicy, and every policy is stored at once. */
async function denied (t: Test, policy: string): Promise<Bench> {
  const pods = new FakePods(PODS)
  const cluster: Omit<Cluster, 'pods'> = { namespaces: [{ name: 'shop', labels: {} }], nodes: [], policies: [], plugin: 'most' }
  const reach = { cluster: () => ({ ...cluster, pods: pods.list() }), trouble: () => null, unjudged: () => [], onChange: () => ({ [Symbol.dispose]: () => undefined }) }
  const bench = await Bench.start(t.testdir(), { policy, wrap: () => ({ pods, network: { reach, policies: new FakePolicies(pods) } }) })
  await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: bench.nowMs, reporter: ATTACKER }))
  await programmed(bench)
  return bench
}

const only = (bench: Bench): Mitigation => {
  const [mitigation] = bench.store.mitigations.list()
  if (mitigation === undefined) throw new Error('no mitigation')
  return mitigation
}
async function programmed (bench: Bench): Promise<void> {
  await bench.until(() => only(bench).status.conditions.some(({ type, status }) => type === 'Programmed' && status === 'True'))
}
/** Attempts of which some get through, in a window that ends now; the next one lets the loop hear of it again. */
async function pierce (bench: Bench, afterMs = 50_000): Promise<void> {
  for (const gap of [afterMs, 500]) {
    bench.nowMs += gap
    await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: bench.nowMs, reporter: ATTACKER, features: { flow_count: 4, bytes_received: 100, failed_conn_ratio: 0.5 } }))
  }
}
const escalations = (bench: Bench): string[] => bench.trail().filter((line) => /escalated|NothingLarger/.test(line))

t.test('what still gets through leads from option to option, one step for each piece of evidence, up to the bound', async (t) => {
  await using bench = await denied(t, rule('both'))
  t.strictSame(only(bench).spec.policies, ['egress'])
  await pierce(bench)
  await bench.until(() => only(bench).spec.policies?.join() === 'ingress')
  t.match(only(bench).status, { escalation: { from: 'egress', to: 'ingress', outcome: 'taken', reason: 'Escalated', steps: 1, message: /2 of 4 attempts got through/ } })
  await programmed(bench)
  await pierce(bench, 1_000)
  t.strictSame(only(bench).spec.policies, ['ingress'], 'what was seen before it was applied everywhere proves nothing')
  await pierce(bench)
  await bench.until(() => only(bench).spec.policies?.join() === 'egress,ingress')
  await programmed(bench)
  await pierce(bench)
  await bench.until(() => only(bench).status.escalation?.reason === 'NothingLarger')
  await pierce(bench)
  t.strictSame(escalations(bench), ['mitigation.escalated mitigation Escalated', 'mitigation.escalated mitigation Escalated', 'decision.alert detection NothingLarger'], 'each is in the trail, and once')
  t.match(only(bench).status, { escalation: { from: 'egress+ingress', outcome: 'held-back', steps: 2 }, phase: 'active' })
  t.strictSame(bench.store.decisions.list().map(({ verdict, reason }) => `${verdict} ${reason}`).toReversed(), ['mitigate RuleMatched', 'mitigate Escalated', 'mitigate Escalated', 'alert NothingLarger'])
})

t.test('without the policy\'s leave it stays as it is, and says what gets through', async (t) => {
  await using bench = await denied(t, rule('none'))
  await pierce(bench)
  await pierce(bench)
  t.strictSame(only(bench).spec.policies, ['egress'])
  t.match(only(bench).status.conditions.find(({ type }) => type === 'Degraded'), { status: 'True', reason: 'AttemptsContinue' })
  t.equal(only(bench).status.escalation, undefined)
})

t.test('the kill switch holds a step back, and its status says so', async (t) => {
  await using bench = await denied(t, rule('both'))
  await bench.controller.killSwitch.pull('ada', 'a drill', false)
  await pierce(bench)
  await bench.until(() => only(bench).status.escalation !== undefined)
  t.match(only(bench), { spec: { policies: ['egress'] }, status: { escalation: { from: 'egress', to: 'ingress', outcome: 'held-back', reason: 'Halted' } } })
})

t.test('a step that takes a pod away waits for a person, who has it done or ends the question', async (t) => {
  const direct = rule('isolation', 'approval: { required: drastic },').replace('network_policy }', 'network_policy, parameters: { direction: both } }')
  for (const answer of ['approve', 'reject'] as const) {
    await using bench = await denied(t, direct)
    for (const policies of ['ingress', 'egress,ingress']) {
      await pierce(bench)
      await bench.until(() => only(bench).spec.policies?.join() === policies)
      await programmed(bench)
    }
    await pierce(bench)
    await bench.until(() => bench.controller.approvals.waiting.length === 1)
    const [waiting] = bench.controller.approvals.waiting
    t.match(waiting, { verdict: 'hold', reason: 'ApprovalRequired', action: 'pod_isolation', escalates: only(bench).metadata.name })
    t.match(only(bench).status.escalation, { to: 'isolation', outcome: 'held-back', reason: 'ApprovalRequired' })
    t.match(bench.controller.outlook(waiting?.id ?? ''), { decision: { verdict: 'mitigate' }, flows: { state: 'reckoned', effect: { mitigation: only(bench).metadata.name, options: [{ policies: ['isolation'], state: 'taken' }] } } })
    await bench.controller.approvals.answer(waiting?.id ?? '', answer, 'ada', 'seen')
    if (answer === 'approve') {
      await bench.until(() => only(bench).spec.policies?.join() === 'isolation')
      t.match(only(bench).status.escalation, { outcome: 'taken', steps: 3 })
    } else {
      await pierce(bench)
      t.strictSame([only(bench).spec.policies, bench.controller.approvals.waiting], [['egress', 'ingress'], []], 'nobody is asked twice')
    }
  }
})
