import t from 'tap'
import { threatPolicyStatus, type Look, type RulesInForce } from '../../../src/core/policy/threat-policy-status.ts'
import type { ThreatPolicy, ThreatPolicyStatus } from '../../../src/core/policy/threat-policy.ts'

const NOW = Date.UTC(2026, 0, 1)
const made = (generation: number, status: ThreatPolicyStatus | null = null): ThreatPolicy =>
  ({ metadata: { name: 'shop', uid: 'u', generation, creationTimestamp: '2026-01-01T00:00:00Z' }, spec: {}, status })

t.test('each look has its conditions', (t) => {
  const earlier = { rules: 2, generation: 3 }
  const table: [Look, RulesInForce | null, string[], object][] = [
    [{ outcome: 'understood' }, { rules: 2, generation: 4 }, ['True Understood', 'True Understood'], { rules: 2, generation: 4, problems: [] }],
    [{ outcome: 'not-understood', problems: ['a', 'b'] }, null, ['False NotUnderstood', 'False NotUnderstood'], { rules: 0, generation: 0, problems: ['a', 'b'] }],
    [{ outcome: 'not-understood', problems: ['a'] }, earlier, ['False NotUnderstood', 'True EarlierRules'], { rules: 2, generation: 3, problems: ['a'] }],
    [{ outcome: 'not-followed' }, null, ['False NotFollowed', 'False NotFollowed'], { rules: 0, generation: 0 }],
  ]
  for (const [look, inForce, conditions, rest] of table) {
    const status = threatPolicyStatus(made(4), look, inForce, NOW)
    t.strictSame(status.conditions.map(({ status, reason }) => `${status} ${reason}`), conditions)
    t.strictSame(status.conditions.map(({ type, observedGeneration }) => [type, observedGeneration]), [['Accepted', 4], ['InForce', 4]])
    t.match(status, rest)
  }
  const told = threatPolicyStatus(made(4), { outcome: 'not-understood', problems: ['spec.rules[0]: x. y.', 'z'] }, earlier, NOW)
  t.equal(told.conditions[0]?.message, 'spec.rules[0]: x. y. (and 1 more: see status.problems)')
  t.equal(told.conditions[1]?.message, 'The 2 rules of generation 3 stay in force until the newest is mended.')
  t.end()
})

t.test('the time of a transition stays while its status does', (t) => {
  const good: Look = { outcome: 'understood' }
  const first = threatPolicyStatus(made(1), good, { rules: 1, generation: 1 }, NOW)
  const second = threatPolicyStatus(made(2, first), good, { rules: 1, generation: 2 }, NOW + 1_000)
  t.strictSame(second.conditions.map(({ lastTransitionTime }) => lastTransitionTime), ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'])
  const third = threatPolicyStatus(made(3, second), { outcome: 'not-understood', problems: ['x'] }, { rules: 1, generation: 2 }, NOW + 2_000)
  t.strictSame(third.conditions.map(({ lastTransitionTime }) => lastTransitionTime), ['2026-01-01T00:00:02.000Z', '2026-01-01T00:00:00.000Z'])
  t.strictSame(threatPolicyStatus(made(3, third), { outcome: 'not-understood', problems: ['x'] }, { rules: 1, generation: 2 }, NOW + 9_000), third, 'the same look changes nothing')
  t.end()
})
