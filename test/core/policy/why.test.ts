import t from 'tap'
import { CLASSES } from '../../../src/core/classes.ts'
import { parsePolicy } from '../../../src/core/policy/parse-policy.ts'
import type { Policy } from '../../../src/core/policy/rule.ts'
import { openTimeZone } from '../../../src/core/policy/time-zone.ts'
import { tryPolicy } from '../../../src/core/policy/try-policy.ts'
import { whyOf } from '../../../src/core/policy/why.ts'
import { FEATURES } from '../../../src/core/window/window.ts'
import { sampleDetection } from '../../adapters/store/samples.ts'

const zone = openTimeZone('UTC')
if (zone === null) throw new Error('no UTC')
const judging = { zone, modelClasses: CLASSES }

function policyOf (...rules: readonly string[]): Policy {
  const parsed = parsePolicy(`rules:\n${rules.map((rule) => `- { attack_class: PORT_SCAN, ${rule} }\n`).join('')}`, 'p.yaml')
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.policy
}
const ALERT = 'actions: [{ action_type: alert_only }]'
const CUT = 'actions: [{ action_type: network_policy }, { action_type: alert_only }]'

/** With `syn` SYNs in the newest of its windows of 500 ms. */
const detection = (syn: number, more = {}) => sampleDetection('d1', {
  explanation: { sentence: 'x', evidence: [], stepMs: 500, windowNumber: 3_534_607_690, tensor: Array.from({ length: 20 }, (_, row) => FEATURES.map((name) => row === 19 && name === 'syn_count' ? syn : row === 19 && name === 'flow_count' ? 1 : 0)) },
  ...more,
})

t.test('every rule is told with the comparison that decided, and what was not kept is told as such', (t) => {
  const policy = policyOf(
    `id: a, condition: features.syn_count > 40, window: 10, ${ALERT}`,
    `id: b, condition: features.syn_count > 400, window: 10, ${ALERT}`,
    `id: c, cel: features.syn_count > 40, window: 60, ${ALERT}`,
    `id: d, condition: features.syn_count > 400, window: 60, ${ALERT}`,
    `id: e, confidence_threshold: 0.99, ${ALERT}`,
    `id: f, enabled: false, ${ALERT}`
  )
  t.strictSame(whyOf([policy], detection(50), judging).map(({ id, outcome, reason, message }) => [id, outcome, reason, message]), [
    ['a', 'fires', 'RuleMatched', 'confidence 0.97 is at or above the 0.9 of rule "a", and its condition holds: features.syn_count is 50, more than 40'],
    ['b', 'does not fire', 'ConditionFalse', 'the condition of rule "b" does not hold: features.syn_count is 50, not more than 400'],
    ['c', 'fires', 'RuleMatched', 'confidence 0.97 is at or above the 0.9 of rule "c", and its condition holds: features.syn_count is at least 50, more than 40'],
    ['d', 'cannot be told', 'ConditionFalse', 'the condition of rule "d" does not hold: features.syn_count is at least 50 so far, which does not tell whether it is > 400'],
    ['e', 'does not fire', 'BelowThreshold', 'confidence 0.97 is under the 0.99 of rule "e"'],
    ['f', 'does not fire', 'RuleDisabled', 'rule "f" is disabled'],
  ])
  t.match(whyOf([policy], sampleDetection('d2'), judging)[0], { outcome: 'cannot be told', message: /its last 10 s were not seen in full/ }, 'no tensor was kept')
  t.end()
})

t.test('what an action would be asked follows its table', (t) => {
  const verdicts = (rule: string, more = {}) => tryPolicy(policyOf(rule), detection(1, more), judging).rules.flatMap(({ actions }) => actions.map(({ verdict }) => verdict))
  t.strictSame(verdicts(CUT), ['mitigate', 'alert'])
  t.strictSame(verdicts(CUT, { simulated: true }), ['simulate', 'alert'])
  t.strictSame(verdicts(`approval: { required: always }, ${CUT}`), ['hold', 'alert'])
  t.strictSame(verdicts(`approval: { required: always }, ${CUT}`, { simulated: true }), ['simulate', 'alert'])
  t.end()
})

t.test('where no rule fires the nearest miss is told', (t) => {
  const missed = tryPolicy(policyOf(`id: a, attack_class: SYN_FLOOD, ${ALERT}`.replace('id: a, attack_class: SYN_FLOOD', 'id: a, enabled: false'), `id: b, confidence_threshold: 0.99, ${ALERT}`), detection(1), judging)
  t.match(missed, { rules: [], missed: { id: 'b', reason: 'BelowThreshold' }, untold: [] })
  t.match(tryPolicy(policyOf(CUT), detection(1), judging), { missed: null })
  t.end()
})
