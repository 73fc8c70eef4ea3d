import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { CLASSES } from '../../../src/core/classes.ts'
import { parsePolicy } from '../../../src/core/policy/parse-policy.ts'
import { isThreatPolicy, parseThreatPolicy } from '../../../src/core/policy/parse-threat-policy.ts'
import { policyChanges } from '../../../src/core/policy/policy-changes.ts'
import { formatProblem } from '../../../src/core/policy/problem.ts'
import { readThreatPolicy } from '../../../src/core/policy/read-threat-policy.ts'
import { toThreatPolicySpec } from '../../../src/core/policy/to-threat-policy.ts'

const shipped = (name: string): string => readFileSync(new URL(`../../../deploy/policies/${name}`, import.meta.url), 'utf8')
const HEAD = 'apiVersion: autoshield.dev/v1alpha1\nkind: ThreatPolicy\nmetadata: { name: shop }\n'

t.test('an object is read as a file is, with lines and mends', (t) => {
  const good = shipped('threat-policy.yaml')
  t.ok(isThreatPolicy(good))
  t.notOk(isThreatPolicy(shipped('default.yaml')))
  t.match(parseThreatPolicy(good, 'p.yaml', CLASSES), { ok: true, name: 'shop', policy: { name: 'threatpolicy/shop', rules: [{ id: 'threatpolicy/shop/night-scan' }] } })
  const table: [string, RegExp][] = [
    [`${HEAD}spec:\n  rules:\n    - id: a\n      attack_class: PORT_SCAN\n      cel: time.hour == 24\n      actions: [{ action_type: alert_only }]\n`, /p\.yaml:8:12: spec\.rules\[0\]\.cel: time\.hour is never 24/],
    [`${HEAD}spec:\n  rules:\n    - attack_class: PORT_SCAN\n      actions: [{ action_type: alert_only }]\n`, /p\.yaml:5:3: spec\.rules\.0: must have required properties id/],
    [`${HEAD}spec:\n  rules:\n    - id: a\n      attack_class: PORT_SCAN\n      actions: [{ action_type: network_policy, parameters: { ports: any } }]\n`, /spec\.rules\.0\.actions\.0\.parameters\.ports: must be array/],
    [`${HEAD}spec: {}\n`, /spec: lacks "rules"/],
    [HEAD, /lacks "spec"/],
    [HEAD.replace('{ name: shop }', '{}'), /metadata: lacks "name"/],
    [HEAD.replace('v1alpha1', 'v1'), /apiVersion: is the text "autoshield\.dev\/v1"/],
    [`${HEAD}spec: { rules: [] }\nspek: 1\n`, /spek: is not a known key\. Write "spec"/],
    [`${HEAD}---\n${HEAD}`, /Use one document a file/],
  ]
  for (const [text, message] of table) {
    const parsed = parseThreatPolicy(text, 'p.yaml', CLASSES)
    t.match(parsed.ok ? 'taken' : parsed.problems.map(formatProblem).join('\n'), message)
  }
  t.end()
})

t.test('the shipped file becomes an object, and its rules mean the same there', (t) => {
  const text = shipped('default.yaml')
  const parsed = parsePolicy(text, 'default.yaml')
  if (!parsed.ok) throw new Error('it is not good')
  const converted = toThreatPolicySpec(parse(text), parsed.policy)
  if (!converted.ok) return t.fail(converted.problems.join('\n'))
  const read = readThreatPolicy('shipped', converted.spec, CLASSES)
  if (!read.ok) return t.fail(read.problems.join('\n'))
  const back = parsePolicy(stringify({ rules: converted.spec.rules }), 'back.yaml')
  if (!back.ok) return t.fail(JSON.stringify(back.problems))
  t.strictSame(policyChanges(parsed.policy, back.policy), { added: [], changed: [], removed: [], same: parsed.policy.rules.map(({ id }) => id) })
  t.equal(read.policy.rules.length, parsed.policy.rules.length)
  t.end()
})

t.test('changes are told by what rules mean', (t) => {
  const policy = (...rules: string[]) => {
    const parsed = parsePolicy(`rules:\n${rules.map((rule) => `- { attack_class: PORT_SCAN, actions: [{ action_type: alert_only }], ${rule} }\n`).join('')}`, 'p.yaml')
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    return parsed.policy
  }
  const before = policy('id: a', 'id: b, condition: time.hour > 6', 'id: c')
  t.strictSame(policyChanges(before, policy('id: d', 'id: b, cel: time.hour > 6', 'id: a, severity: low')), { added: ['d'], changed: ['a'], removed: ['c'], same: ['b'] })
  t.strictSame(policyChanges(null, policy('id: a')), { added: ['a'], changed: [], removed: [], same: [] })
  t.end()
})
