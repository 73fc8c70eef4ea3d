import { readFileSync } from 'node:fs'
import t from 'tap'
import { Compile } from 'typebox/compile'
import { CLASSES } from '../../../src/core/classes.ts'
import { ACTION_TYPES } from '../../../src/core/policy/action-type.ts'
import { parsePolicy } from '../../../src/core/policy/parse-policy.ts'
import { readThreatPolicy } from '../../../src/core/policy/read-threat-policy.ts'
import { WrittenAction, WrittenRule } from '../../../src/core/policy/rule-schema.ts'
import { parse, stringify } from 'yaml'

const alert = { action_type: 'alert_only' }
const scan = { id: 'scan', attack_class: 'PORT_SCAN', actions: [alert] }
const schema = Compile(WrittenRule)
const isRead = (rule: object): boolean => readThreatPolicy('a', { rules: [rule] }, CLASSES).ok

t.test('rules are called by their policy, and problems by their place in the spec', (t) => {
  t.match(readThreatPolicy('shop', { rules: [scan] }, CLASSES), { ok: true, policy: { name: 'threatpolicy/shop', rules: [{ id: 'threatpolicy/shop/scan', name: 'scan', attackClass: 'PORT_SCAN' }] } })
  const bad = readThreatPolicy('shop', { rules: [scan, { ...scan, id: 'b', cel: 'time.hour > 6 &&\n  time.hour == 24', actions: [{ action_type: 'custom_webhook', parameters: { url: 'http://127.0.0.1/' } }] }] }, CLASSES)
  t.match(bad, { ok: false, problems: [/^spec\.rules\[1\]\.actions\[0\]\.parameters\.url: /, /^spec\.rules\[1\]\.cel: time\.hour is never 24\. Use 0 to 23\.$/] })
  for (const spec of [undefined, null, {}, { rules: 'none' }, []]) t.match(readThreatPolicy('shop', spec, CLASSES), { ok: false, problems: [/^spec/] }, JSON.stringify(spec))
  t.end()
})

t.test('the one to begin from is good, for the schema and the reader', (t) => {
  const { spec } = parse(readFileSync(new URL('../../../deploy/policies/threat-policy.yaml', import.meta.url), 'utf8')) as { spec: { rules: object[] } }
  for (const rule of spec.rules) t.ok(schema.Check(rule))
  t.match(readThreatPolicy('shop', spec, CLASSES), { ok: true })
  t.end()
})

t.test('the object has the keys that the file has, and no others', (t) => {
  const offered = (text: string): string[] => {
    const parsed = parsePolicy(text, 'p.yaml')
    const mend = parsed.ok ? '' : parsed.problems.find(({ message }) => message === 'is not a known key')?.mend ?? ''
    return mend.replace(/^Use one of: /, '').split(', ').filter((key) => key !== 'Remove it').map((key) => key.replace(/^Write "(.*)"$/, '$1'))
  }
  t.strictSame(Object.keys(WrittenRule.properties).sort(), offered('rules: [{ qqqqqqqqqqqqqqqqqqqqqqqqqq: 1 }]').sort())
  const parameters = ACTION_TYPES.flatMap((type) => offered(`rules: [{ actions: [{ action_type: ${type}, parameters: { qqqqqqqqqqqqqqqqqqqqqqqqqq: 1 } }] }]`))
  t.strictSame(Object.keys(WrittenAction.properties.parameters.properties).sort(), [...new Set(parameters)].sort())
  t.end()
})

t.test('what the schema bounds, the reader bounds at the same values', (t) => {
  const throttle = (parameters: object) => ({ ...scan, actions: [{ action_type: 'traffic_throttle', parameters: { rate_limit: '1000kbps', ...parameters } }] })
  const table: [object, boolean][] = [
    [scan, true],
    [{ ...scan, confidence_threshold: 1 }, true], [{ ...scan, confidence_threshold: 1.01 }, false], [{ ...scan, confidence_threshold: -0.01 }, false],
    [{ ...scan, cooldown_seconds: 86_400 }, true], [{ ...scan, cooldown_seconds: 86_401 }, false], [{ ...scan, cooldown_seconds: 1.5 }, false],
    [{ ...scan, blast_radius_limit: 10_000 }, true], [{ ...scan, blast_radius_limit: 10_001 }, false],
    [{ ...scan, window: 1200 }, true], [{ ...scan, window: 1201 }, false], [{ ...scan, window: 0 }, false],
    [{ ...scan, ttl_seconds: 2_592_000 }, true], [{ ...scan, ttl_seconds: 2_592_001 }, false], [{ ...scan, ttl_seconds: 0 }, false],
    [{ ...scan, severity: 'severe' }, false], [{ ...scan, enabled: 'yes' }, false],
    [{ ...scan, approval: { required: 'drastic', deadline_seconds: 86_400, then: 'alert' } }, true], [{ ...scan, approval: { deadline_seconds: 86_401 } }, false], [{ ...scan, approval: { then: 'wait' } }, false],
    [{ ...scan, id: '-a' }, false], [{ ...scan, id: 'a'.repeat(63) }, true], [{ ...scan, id: 'a'.repeat(64) }, false],
    [{ ...scan, name: 'a'.repeat(200) }, true], [{ ...scan, name: 'a'.repeat(201) }, false],
    [{ ...scan, actions: [] }, false], [{ ...scan, actions: Array(16).fill(alert) }, true], [{ ...scan, actions: Array(17).fill(alert) }, false],
    [throttle({ ports: [1, 65535] }), true], [throttle({ ports: [0] }), false], [throttle({ ports: [] }), false], [throttle({ direction: 'up' }), false],
    [throttle({ burst_seconds: 60 }), true], [throttle({ burst_seconds: 60.1 }), false],
    [{ ...scan, actions: [{ action_type: 'pod_termination', parameters: { grace_period_seconds: 3600 } }] }, true], [{ ...scan, actions: [{ action_type: 'pod_termination', parameters: { grace_period_seconds: 3601 } }] }, false],
    [{ ...scan, actions: [{ action_type: 'node_quarantine', parameters: { effect: 'PreferNoSchedule' } }] }, false],
    [{ ...scan, actions: [{ action_type: 'reboot' }] }, false], [{ ...scan, color: 'red' }, false],
  ]
  for (const [rule, good] of table) t.strictSame([schema.Check(rule), isRead(rule)], [good, good], stringify(rule))
  t.end()
})
