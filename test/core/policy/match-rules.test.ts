import t from 'tap'
import { CLASSES } from '../../../src/core/classes.ts'
import { canonicalRule } from '../../../src/core/policy/canonical-rule.ts'
import { matchRules, onConditionAlone, type Facts } from '../../../src/core/policy/match-rules.ts'
import { parsePolicy } from '../../../src/core/policy/parse-policy.ts'
import type { Policy, Rule } from '../../../src/core/policy/rule.ts'
import { openTimeZone } from '../../../src/core/policy/time-zone.ts'
import { FEATURES, TENSOR_WINDOWS } from '../../../src/core/window/window.ts'

function policyOf (...rules: readonly string[]): Policy {
  const text = `rules:\n${rules.map((rule) => `- { actions: [{ action_type: alert_only }], ${rule} }\n`).join('')}`
  const parsed = parsePolicy(text, 'test.yaml')
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.policy
}

const zone = openTimeZone('UTC')
if (zone === null) throw new Error('no UTC')

/** Monday, 12:00 UTC. */
const NOON_MS = Date.parse('2026-06-01T12:00:00Z')

function facts (overrides: Partial<Facts> = {}): Facts {
  if (zone === null) throw new Error('no UTC')
  return {
    detection: { class: 'PORT_SCAN', kind: 'pair', confidence: 0.93, count: 2 },
    source: { address: '10.0.0.1', namespace: 'shop', name: 'web-0' },
    target: { address: '10.0.0.2' },
    tensors: [],
    atMs: NOON_MS,
    zone,
    modelClasses: CLASSES,
    ...overrides,
  }
}

const scan = (confidence: number): Facts['detection'] => ({ class: 'PORT_SCAN', kind: 'pair', confidence, count: 1 })
const own: Facts['detection'] = { class: 'CUSTOM', kind: 'pair', confidence: 0, count: 1 }

t.test('a rule fires exactly where its truth table says so', (t) => {
  const table: [string, string, Facts['detection'], string][] = [
    ['disabled', 'attack_class: PORT_SCAN, enabled: false', scan(1), 'RuleDisabled'],
    ['no detection', 'attack_class: PORT_SCAN', null, 'NoRule'],
    ['another class', 'attack_class: SYN_FLOOD', scan(1), 'NoRule'],
    ['under its threshold', 'attack_class: PORT_SCAN, confidence_threshold: 0.95', scan(0.949), 'BelowThreshold'],
    ['at its threshold', 'attack_class: PORT_SCAN, confidence_threshold: 0.95', scan(0.95), 'RuleMatched'],
    ['condition true', 'attack_class: PORT_SCAN, condition: time.hour == 12', scan(0.95), 'RuleMatched'],
    ['condition false', 'attack_class: PORT_SCAN, condition: time.hour == 13', scan(0.95), 'ConditionFalse'],
    ['condition unknown', 'attack_class: PORT_SCAN, condition: target.name == "db"', scan(0.95), 'ConditionFalse'],
    ['its own class, without a detection', 'attack_class: CUSTOM, condition: time.hour == 12', null, 'RuleMatched'],
    ['its own class, false', 'attack_class: CUSTOM, condition: time.hour == 13', null, 'ConditionFalse'],
    ['its own class, with the detection that follows', 'attack_class: CUSTOM, condition: time.hour == 12', own, 'RuleMatched'],
    ['its own class, no threshold for it', 'attack_class: CUSTOM, confidence_threshold: 1, condition: time.hour == 12', own, 'RuleMatched'],
    ['its own class, a detection of the model', 'attack_class: CUSTOM, condition: time.hour == 12', scan(1), 'NoRule'],
  ]
  for (const [name, rule, detection, reason] of table) {
    const [outcome] = matchRules(policyOf(rule), facts({ detection }))
    t.equal(outcome?.reason, reason, name)
    t.equal(outcome?.fired, reason === 'RuleMatched', name)
    t.match(outcome?.message, /.{20}/, name)
  }
  t.end()
})

t.test('a class without a condition that a later model no longer knows does not fire', (t) => {
  const [outcome] = matchRules(policyOf('attack_class: PORT_SCAN'), facts({ detection: null, modelClasses: ['BENIGN'] }))
  t.equal(outcome?.reason, 'NoRule')
  t.end()
})

t.test('every rule is answered, in the order of the file, with the comparison that decided', (t) => {
  const outcomes = matchRules(policyOf(
    'attack_class: PORT_SCAN, name: one, confidence_threshold: 0.99',
    'attack_class: PORT_SCAN, name: two, condition: source.namespace == "shop" AND time.weekday == "monday"',
    'attack_class: SYN_FLOOD, name: three'
  ), facts())
  t.strictSame(outcomes.map(({ message }) => message), [
    'confidence 0.93 is under the 0.99 of rule "one"',
    'confidence 0.93 is at or above the 0.9 of rule "two", and its condition holds: source.namespace is "shop", equal to "shop"; time.weekday is "monday", equal to "monday"',
    'rule "three" is about SYN_FLOOD, not PORT_SCAN',
  ])
  t.end()
})

t.test('the example of the issue fires on 10 MB that went through, in office hours of its zone', (t) => {
  const policy = policyOf('attack_class: CUSTOM_ATTACK, condition: "features.bytes_sent > 10000000 AND features.failed_conn_ratio < 0.1 AND time.hour between 9 and 17"')
  const tensor = new Float32Array(TENSOR_WINDOWS * FEATURES.length)
  const put = (row: number, name: (typeof FEATURES)[number], value: number): void => { tensor[row * FEATURES.length + FEATURES.indexOf(name)] = value }
  for (const row of [16, 17, 18, 19]) {
    put(row, 'flow_count', 1)
    put(row, 'bytes_sent', 3_100_000)
  }
  const at = (atMs: number, zoneName = 'UTC'): string | undefined => {
    const opened = openTimeZone(zoneName)
    if (opened === null) throw new Error(zoneName)
    return matchRules(policy, facts({ detection: null, zone: opened, atMs, tensors: [{ stepMs: 15_000, windowNumber: atMs / 15_000 - 1, tensor }] }))[0]?.reason
  }
  t.equal(at(NOON_MS), 'RuleMatched')
  t.equal(at(Date.parse('2026-06-01T17:59:45Z')), 'RuleMatched', 'between is inclusive')
  t.equal(at(Date.parse('2026-06-01T18:00:00Z')), 'ConditionFalse')
  t.equal(at(Date.parse('2026-06-01T16:30:00Z'), 'Europe/Berlin'), 'ConditionFalse', '18:30 in Berlin')
  put(19, 'bytes_sent', 1)
  t.equal(at(NOON_MS), 'ConditionFalse', '9.3 MB')
  t.end()
})

t.test('on their condition alone fire enabled rules about classes that the model does not know', (t) => {
  const fired = (rule: string, classes: readonly string[] = CLASSES): readonly string[] => onConditionAlone(policyOf(rule), classes).map(({ attackClass }) => attackClass)
  t.same(fired('attack_class: PORT_SCAN, condition: time.hour == 1'), [])
  t.same(fired('attack_class: CUSTOM, condition: time.hour == 1'), ['CUSTOM'])
  t.same(fired('attack_class: CUSTOM, condition: time.hour == 1', [...CLASSES, 'CUSTOM']), [])
  t.same(fired('attack_class: CUSTOM, condition: time.hour == 1, enabled: false'), [])
  t.end()
})

t.test('a rule has one canonical text, whatever its layout, and another as soon as it means something else', (t) => {
  const text = (rule: string): string => {
    const [only] = policyOf(rule).rules
    return only === undefined ? '' : canonicalRule(only)
  }
  const base = text('attack_class: PORT_SCAN, name: a, severity: high, condition: time.hour > 1')
  t.equal(text('condition: "time.hour   >   1", severity: high, name: a, attack_class: PORT_SCAN'), base)
  const [, second] = policyOf('attack_class: PORT_SCAN, name: b', 'attack_class: PORT_SCAN, name: a, severity: high, condition: time.hour > 1').rules
  t.equal(canonicalRule(second as Rule), base, 'the line does not count')
  for (const other of ['name: b, severity: high, condition: time.hour > 1', 'name: a, severity: low, condition: time.hour > 1', 'name: a, severity: high, condition: time.hour > 2', 'name: a, severity: high, condition: time.hour > 1, ttl_seconds: 9']) {
    t.not(text(`attack_class: PORT_SCAN, ${other}`), base, other)
  }
  t.end()
})
