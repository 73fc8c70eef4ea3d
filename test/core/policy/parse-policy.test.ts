import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { stringify } from 'yaml'
import { CLASSES } from '../../../src/core/classes.ts'
import { parsePolicy } from '../../../src/core/policy/parse-policy.ts'
import { formatProblem } from '../../../src/core/policy/problem.ts'

const CASES = join(import.meta.dirname, 'cases')

function outcomeOf (text: string): string {
  const parsed = parsePolicy(text, 'policy.yaml')
  if (parsed.ok) return `${JSON.stringify(parsed.policy.rules, null, 2)}\n`
  return parsed.problems.map((problem) => `${formatProblem(problem)}\n`).join('')
}

t.test('each example file comes to what its folder says', (t) => {
  const names = readdirSync(CASES)
  t.ok(names.length >= 15)
  for (const name of names) {
    const golden = join(CASES, name, name.startsWith('refused') ? 'problems.txt' : 'rules.json')
    const outcome = outcomeOf(readFileSync(join(CASES, name, 'policy.yaml'), 'utf8'))
    if (process.env['UPDATE'] === '1') writeFileSync(golden, outcome)
    t.equal(outcome, readFileSync(golden, 'utf8'), name)
  }
  t.end()
})

t.test('the shipped policy loads and has a rule for each class', (t) => {
  const parsed = parsePolicy(readFileSync(join(import.meta.dirname, '../../../deploy/policies/default.yaml'), 'utf8'), 'default.yaml')
  if (!parsed.ok) return t.fail(parsed.problems.map(formatProblem).join('\n'))
  t.strictSame(new Set(parsed.policy.rules.map(({ attackClass }) => attackClass)), new Set(CLASSES.filter((name) => name !== 'BENIGN')))
  for (const { name, confidenceThreshold, enabled } of parsed.policy.rules) {
    t.ok(enabled && confidenceThreshold >= 0.8 && confidenceThreshold <= 0.95, name)
  }
  t.end()
})

/** A policy with every key that there is. */
const COMPLETE = {
  rules: [{
    id: 'all',
    name: 'All',
    description: 'Every key',
    enabled: true,
    attack_class: 'PORT_SCAN',
    severity: 'high',
    confidence_threshold: 0.9,
    cooldown_seconds: 60,
    blast_radius_limit: 2,
    window: 60,
    ttl_seconds: 600,
    condition: 'features.syn_count > 5',
    actions: [
      { action_type: 'network_policy', parameters: { direction: 'egress', ports: [22] } },
      { action_type: 'traffic_throttle', parameters: { rate_limit: '1000kbps', burst_seconds: 1, direction: 'ingress', ports: 'any' } },
      { action_type: 'pod_isolation', parameters: {} },
      { action_type: 'pod_termination', parameters: { grace_period_seconds: 30 } },
      { action_type: 'node_quarantine', parameters: { effect: 'NoSchedule' } },
      { action_type: 'alert_only', parameters: { channel: 'soc', priority: 'high' } },
      { action_type: 'custom_webhook', parameters: { url: 'https://internal-api/alert', method: 'POST' } },
    ],
  }],
}

type Path = readonly (string | number)[]

function pathsOf (value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return path.length === 0 ? [] : [path]
  const below = Object.entries(value).flatMap(([key, part]) => pathsOf(part, [...path, Array.isArray(value) ? Number(key) : key]))
  return path.length === 0 ? below : [path, ...below]
}

/** A copy of the complete policy in which the key at the path has another name, or another value, or is gone. */
function changed (path: Path, change: { name: string } | { value: unknown } | 'gone', value: unknown = COMPLETE): unknown {
  const [key, ...rest] = path
  const edit = (part: unknown): unknown => changed(rest, change, part)
  if (Array.isArray(value)) return value.map((part: unknown, index) => index === key ? (rest.length === 0 && change !== 'gone' && 'value' in change ? change.value : edit(part)) : part)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).flatMap(([name, part]): [string, unknown][] => {
    if (name !== key) return [[name, part]]
    if (rest.length > 0) return [[name, edit(part)]]
    if (change === 'gone') return []
    return 'name' in change ? [[change.name, part]] : [[name, change.value]]
  }))
}

const lineWith = (text: string, marker: string): number => text.split('\n').findIndex((line) => line.includes(marker)) + 1

t.test('a policy file with every key wrong in turn is refused, with the line and the mend', (t) => {
  const paths = pathsOf(COMPLETE)
  t.equal(outcomeOf(stringify(COMPLETE)).startsWith('['), true, 'it is taken as it is')
  let files = 0
  for (const path of paths) {
    const name = path.at(-1)
    const wrong = [
      ...(typeof name === 'string' ? [{ change: { name: `${name}_qq` }, marker: `${name}_qq` }] : []),
      { change: { value: { qq: 1 } }, marker: 'qq:' },
      { change: { value: 'qq' }, marker: 'qq' },
      { change: { value: -7.5 }, marker: '-7.5' },
      { change: { value: 'null-here' }, marker: 'null-here' },
      { change: { value: 'bell\u0007' }, marker: '\\a' },
    ]
    for (const { change, marker } of wrong) {
      if (isGood(path, change)) continue
      const text = stringify(changed(path, change)).replaceAll('null-here', 'null # null-here')
      const parsed = parsePolicy(text, 'policy.yaml')
      const label = `${path.join('.')} as ${JSON.stringify(change)}`
      if (parsed.ok) {
        t.fail(`${label} was taken`)
        continue
      }
      files++
      const line = lineWith(text, marker)
      // A renamed parameter is also missing; a wrong class or condition shows at its own key.
      t.ok(parsed.problems.some((problem) => Math.abs(problem.line - line) <= 1 && problem.mend.length > 5), `${label}: ${parsed.problems.map(formatProblem).join(' ')}`)
      if ('name' in change) {
        const unknown = parsed.problems.find((problem) => problem.line === line && problem.message === 'is not a known key')
        t.match(unknown?.mend, new RegExp(`Write "${String(name)}"`), `${label} suggests the key`)
      }
    }
  }
  t.ok(files > 150, `${files} files were refused`)
  t.end()
})

/** Free texts take any text, and a class that the model does not know is good beside a condition. */
function isGood (path: Path, change: { name: string } | { value: unknown }): boolean {
  if (!('value' in change)) return false
  return change.value === 'qq' && ['id', 'name', 'description', 'channel', 'attack_class'].includes(String(path.at(-1)))
}

t.test('a key that a rule cannot do without is named where it is missing', (t) => {
  for (const path of [['rules', 0, 'attack_class'], ['rules', 0, 'actions'], ['rules', 0, 'actions', 0, 'action_type'], ['rules', 0, 'actions', 1, 'parameters', 'rate_limit'], ['rules', 0, 'actions', 6, 'parameters', 'url']]) {
    t.match(outcomeOf(stringify(changed(path, 'gone'))), new RegExp(`lacks "${String(path.at(-1))}"`))
  }
  t.match(outcomeOf('{}'), /lacks "rules"/)
  t.end()
})

t.test('what a rule may leave out has the documented value', (t) => {
  const parsed = parsePolicy('rules: [{ attack_class: SYN_FLOOD, actions: [{ action_type: alert_only }] }]', 'p.yaml')
  if (!parsed.ok) return t.fail()
  t.strictSame(parsed.policy.rules, [{
    id: 'syn-flood-rule-1',
    name: 'SYN_FLOOD (rule 1)',
    description: '',
    enabled: true,
    attackClass: 'SYN_FLOOD',
    severity: 'medium',
    confidenceThreshold: 0.9,
    cooldownSeconds: 300,
    blastRadiusLimit: 5,
    approval: { required: 'never', deadlineSeconds: 600, then: 'suppress' },
    windowSeconds: 60,
    ttlSeconds: 600,
    escalation: 'none',
    condition: null,
    actions: [{ type: 'alert_only', channel: 'default', priority: 'medium' }],
    line: 1,
  }])
  t.end()
})

t.test('a rule about a class of another model needs that model', (t) => {
  const text = 'rules: [{ attack_class: MINING, actions: [{ action_type: alert_only }] }]'
  t.equal(parsePolicy(text, 'p.yaml').ok, false)
  t.equal(parsePolicy(text, 'p.yaml', ['BENIGN', 'MINING']).ok, true)
  t.end()
})

t.test('hostile files are refused, never hang and never throw', (t) => {
  const bomb = `a: &a [x]\n${Array.from({ length: 40 }, (_, index) => `k${index}: &k${index} [${index === 0 ? '*a' : `*k${index - 1}, *k${index - 1}`}]`).join('\n')}\n`
  const files: Record<string, string> = {
    'too long': '#'.repeat(131_073),
    'too deep': '['.repeat(131_072),
    'deep blocks': '- '.repeat(60_000),
    bomb,
    'many keys': Array.from({ length: 12_000 }, (_, index) => `k${index}: 1`).join('\n'),
    'many bad rules': `rules:\n${'- { severity: 1 }\n'.repeat(400)}`,
    'many rules': `rules:\n${'- 1\n'.repeat(30_000)}`,
    binary: '\u0000\u0001\ufffe',
    merge: 'base: &b { severity: high }\nrules:\n  - <<: *b\n    attack_class: PORT_SCAN\n    actions: [{ action_type: alert_only }]\n',
    prototype: 'rules:\n  - __proto__: { enabled: true }\n    constructor: 1\n    attack_class: PORT_SCAN\n    actions: [{ action_type: toString }]\n',
    tag: 'rules: !!js/function "x"\n',
    'two documents': 'rules: []\n---\nrules: []\n',
    'long condition': `rules:\n  - attack_class: PORT_SCAN\n    condition: ${'('.repeat(4000)}\n    actions: [{ action_type: alert_only }]\n`,
  }
  for (const [name, text] of Object.entries(files)) {
    const start = performance.now()
    const parsed = parsePolicy(text, 'policy.yaml')
    t.equal(parsed.ok, false, name)
    t.ok(!parsed.ok && parsed.problems.length >= 1 && parsed.problems.length <= 100, `${name}: between 1 and 100 problems`)
    t.ok(performance.now() - start < 20_000, `${name}: in time (0.4 s for the worst on an idle core)`)
  }
  t.end()
})

t.test('3,000 mutated files come to rules or to problems with a place, never to an exception', (t) => {
  const original = readFileSync(join(CASES, 'every-key', 'policy.yaml'), 'utf8')
  const lines = original.split('\n').length
  t.doesNotThrow(() => fc.assert(fc.property(
    fc.array(fc.record({ at: fc.nat(original.length), drop: fc.nat(6), put: fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('\n', ': ', '- ', '*a', '&a ', '"', '|', '}', ' OR ', '\t')) }), { minLength: 1, maxLength: 4 }),
    (edits) => {
      const text = edits.reduce((now, { at, drop, put }) => now.slice(0, at) + put + now.slice(at + drop), original)
      const parsed = parsePolicy(text, 'policy.yaml')
      return parsed.ok || (parsed.problems.length > 0 && parsed.problems.every(({ line, column, mend }) => line >= 1 && line <= lines + 8 && column >= 1 && mend !== ''))
    }
  ), { numRuns: 3000, seed: 3 }))
  t.end()
})
