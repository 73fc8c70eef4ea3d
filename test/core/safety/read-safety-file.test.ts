import t from 'tap'
import { readSafetyFile } from '../../../src/core/safety/read-safety-file.ts'
import { DEFAULT_SAFETY_FILE } from '../../../src/core/safety/settings.ts'

const problems = (text: string): readonly string[] => {
  const read = readSafetyFile(text, 'safety.yaml')
  return read.outcome === 'refused' ? read.problems : []
}

t.test('what the file leaves out is as by default', (t) => {
  for (const text of ['', '{}', '# nothing yet\n']) t.strictSame(readSafetyFile(text, 'f'), { outcome: 'read', file: DEFAULT_SAFETY_FILE })
  t.strictSame(readSafetyFile('budgets: { rule: 2 }\nprotected: { labels: { tier: gold } }\n', 'f'), {
    outcome: 'read',
    file: { ...DEFAULT_SAFETY_FILE, budgets: { ...DEFAULT_SAFETY_FILE.budgets, rule: 2 }, protected: { ...DEFAULT_SAFETY_FILE.protected, labels: { tier: 'gold' } } },
  })
  t.end()
})

t.test('every mistake is told at once, with its line, its value and what to write', (t) => {
  const told = problems('actionsPerMinute: many\nbudgets:\n  rule: -1\n  victim: 3\nbreaker: { openMs: 5 }\nprotected:\n  namespaces: [shop, Not A Name]\n  pods: [web]\nlimit: 3\n')
  t.strictSame(told.map((line) => line.replace(/(is .*?\. |no setting\. ).*/, '$1').trim()), [
    'safety.yaml:1: actionsPerMinute is "many".',
    'safety.yaml:3: budgets.rule is -1.',
    'safety.yaml:4: budgets.victim is no setting.',
    'safety.yaml:5: breaker.openMs is 5.',
    'safety.yaml:7: protected.namespaces.1 is "Not A Name".',
    'safety.yaml:8: protected.pods.0 is "web".',
    'safety.yaml:9: limit is no setting.',
  ])
  for (const line of told) t.match(line, /(Write: .{10,}|Settings here are .{10,})\.$/)
  t.end()
})

t.test('what is no settings at all is refused in words', (t) => {
  t.match(problems('- a\n- b\n'), [/^safety.yaml:1: settings are/])
  t.match(problems('a: [1\n'), [/^safety.yaml:\d: not valid YAML/])
  t.match(problems('budgets: &b { rule: 1 }\nbreaker: *b\n'), [/aliases/])
  t.match(problems('x'.repeat(300_000)), [/too many/])
  t.end()
})
