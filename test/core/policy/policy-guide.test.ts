import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FACT_NAMES } from '../../../src/core/policy/condition/facts.ts'
import { ACTION_TYPES } from '../../../src/core/policy/action-type.ts'
import { parsePolicy } from '../../../src/core/policy/parse-policy.ts'

const guide = readFileSync(join(import.meta.dirname, '../../../deploy/policies/README.md'), 'utf8')
const named = new Set([...guide.matchAll(/`([a-z_.]+)`/g)].map(([, name]) => name ?? ''))

t.test('the guide names every fact and every action, and no fact that is not there', (t) => {
  for (const name of [...FACT_NAMES, ...ACTION_TYPES]) t.ok(named.has(name), name)
  const facts = [...named].filter((name) => /^(features|time|detection|source|target)\./.test(name))
  t.strictSame(facts.filter((name) => !FACT_NAMES.includes(name)), [])
  t.end()
})

t.test('the guide names every key: what the reader offers for an unknown one is in it', (t) => {
  const mendOf = (text: string): string => {
    const parsed = parsePolicy(text, 'p.yaml')
    return parsed.ok ? '' : parsed.problems.find(({ message }) => message === 'is not a known key')?.mend ?? ''
  }
  const actions = ACTION_TYPES.map((type) => `rules: [{ actions: [{ action_type: ${type}, parameters: { qqqqqq: 1 } }] }]`)
  const offered = ['qqqqqq: 1', 'rules: [{ qqqqqq: 1 }]', ...actions].flatMap((text) => mendOf(text).replace(/^Use one of: /, '').split(', ')).filter((name) => name !== 'Remove it')
  t.ok(offered.length > 20)
  for (const name of offered) t.ok(named.has(name) || guide.includes(`\`${name}:\``), name)
  t.end()
})
