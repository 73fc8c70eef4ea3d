import t from 'tap'
import { AutoshieldError } from '../../src/core/errors.ts'
import { MAX_THREAT_POLICIES } from '../../src/core/policy/threat-policy.ts'
import { ATTACKER, madeScore, T0 } from '../core/verdict/made-score.ts'
import { Bench } from './bench.ts'
import { FakeThreatPolicies } from './fake-threat-policies.ts'

const NONE = 'rules: []'
const scan = (n = 1) => madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 * n, reporter: ATTACKER })
const spec = (more: object = {}) => ({ rules: [{ id: 'scans', name: 'Scans', attack_class: 'PORT_SCAN', actions: [{ action_type: 'network_policy', parameters: { direction: 'ingress' } }], ...more }] })

/** A loop whose policy file has no rule, with threat policies that the test writes. */
async function started (dir: string, policies: FakeThreatPolicies): Promise<Bench> {
  return Bench.start(dir, { policy: NONE, wrap: () => ({ threatPolicies: policies }) })
}

t.test('a detection is decided on by the rules of a threat policy, which the decision and the mitigation name', async (t) => {
  const policies = new FakeThreatPolicies()
  await using bench = await started(t.testdir(), policies)
  await bench.scores.push(scan())
  t.match(bench.store.decisions.list(), [{ policy: 'policy.yaml', rule: '', reason: 'NoRule' }], 'before there is one, nothing fires')
  policies.apply('shop', spec())
  await bench.until(() => policies.status('shop') !== null)
  t.match(policies.status('shop'), { rules: 1, generation: 1, problems: [], conditions: [{ type: 'Accepted', status: 'True', reason: 'Understood', observedGeneration: 1 }, { type: 'InForce', status: 'True' }] })
  await bench.scores.push(scan(2))
  t.match(bench.store.decisions.list()[0], { policy: 'threatpolicy/shop', rule: 'Scans', verdict: 'mitigate' })
  t.match(bench.store.mitigations.list(), [{ spec: { owner: { policy: 'threatpolicy/shop', rule: 'threatpolicy/shop/scans' } } }])
  t.ok(bench.trail().includes('policy.loaded threatpolicy Understood'))
})

t.test('a bad edit takes nothing away and says what is wrong, also over a restart; the mend is in force at once', async (t) => {
  const policies = new FakeThreatPolicies()
  const dir = t.testdir()
  policies.apply('shop', spec())
  {
    await using bench = await started(dir, policies)
    await bench.until(() => policies.status('shop')?.rules === 1)
    policies.apply('shop', spec({ cel: 'features.bytes_snt > 5' }))
    await bench.until(() => policies.status('shop')?.conditions[0]?.status === 'False')
    t.match(policies.status('shop'), {
      rules: 1,
      generation: 1,
      problems: ['spec.rules[0].cel: "features.bytes_snt" is not a known fact. Write "features.bytes_sent".'],
      conditions: [{ reason: 'NotUnderstood', observedGeneration: 2, message: /bytes_snt/ }, { status: 'True', reason: 'EarlierRules', observedGeneration: 2 }],
    })
  }
  await using bench = await started(dir, policies)
  await bench.scores.push(scan())
  t.match(bench.store.decisions.list()[0], { policy: 'threatpolicy/shop', verdict: 'mitigate' }, 'the earlier rules outlive a restart')
  policies.apply('shop', spec({ enabled: false }))
  await bench.until(() => policies.status('shop')?.generation === 3)
  t.match(policies.status('shop'), { rules: 1, problems: [], conditions: [{ status: 'True' }, { status: 'True', reason: 'Understood' }] })
  t.equal(bench.trail().filter((line) => line === 'policy.loaded threatpolicy Understood').length, 2, 'what was in force before the restart is not told again')
})

t.test('one that was bad from the beginning has no rule in force; one that is gone takes its rules with it, and so does another of its name', async (t) => {
  const policies = new FakeThreatPolicies()
  policies.apply('bad', spec({ attack_class: 'BENIGN' }))
  policies.apply('shop', spec())
  await using bench = await started(t.testdir(), policies)
  t.match(policies.status('bad'), { rules: 0, generation: 0, conditions: [{ status: 'False' }, { status: 'False', reason: 'NotUnderstood' }] })
  t.match(bench.controller.policy().rules, [{ id: 'threatpolicy/shop/scans' }])
  policies.apply('shop', spec({ severity: 'none' }), 'another')
  await bench.until(() => policies.status('shop') !== null)
  t.strictSame(bench.controller.policy().rules, [], 'what is in force was of another object')
  policies.apply('shop', spec(), 'another')
  await bench.until(() => policies.status('shop')?.rules === 1)
  policies.remove('shop')
  await bench.until(() => bench.trail().filter((line) => line === 'policy.removed threatpolicy Understood').length === 2)
  t.strictSame(bench.controller.policy().rules, [])
})

t.test('of too many the oldest are followed, and the others say so', async (t) => {
  const policies = new FakeThreatPolicies()
  for (let n = 0; n <= MAX_THREAT_POLICIES; n++) policies.apply(`p${String(n).padStart(2, '0')}`, spec())
  await using bench = await started(t.testdir(), policies)
  t.equal(bench.controller.policy().rules.length, MAX_THREAT_POLICIES)
  t.match(policies.status(`p${MAX_THREAT_POLICIES}`), { rules: 0, conditions: [{ status: 'False', reason: 'NotFollowed' }, {}] })
  policies.remove('p00')
  await bench.until(() => policies.status(`p${MAX_THREAT_POLICIES}`)?.rules === 1)
})

t.test('a status that cannot be written is tried again, and the rules are in force meanwhile', async (t) => {
  const policies = new FakeThreatPolicies()
  policies.fault = new AutoshieldError('UNAVAILABLE', 'the API server is away')
  policies.apply('shop', spec())
  await using bench = await started(t.testdir(), policies)
  t.equal(bench.controller.policy().rules.length, 1)
  t.ok(bench.logged.includes('the status of a threat policy could not be written; it is tried again'))
  policies.fault = null
  await bench.beat()
  await bench.until(() => policies.status('shop')?.rules === 1)
})
