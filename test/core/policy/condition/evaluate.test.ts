import fc from 'fast-check'
import t from 'tap'
import { evaluate } from '../../../../src/core/policy/condition/evaluate.ts'
import type { Judgement } from '../../../../src/core/policy/condition/judgement.ts'
import { exactly, type FactValue, type Lookup } from '../../../../src/core/policy/condition/fact-value.ts'
import { parseCondition } from '../../../../src/core/policy/condition/parse-condition.ts'

function judge (text: string, facts: Readonly<Record<string, FactValue>>): Judgement {
  const parsed = parseCondition(text)
  if (!parsed.ok) throw new Error(`${text}: ${JSON.stringify(parsed.faults)}`)
  const lookup: Lookup = (fact) => facts[fact] ?? { type: 'unknown', why: 'nobody looked' }
  return evaluate(parsed.condition.expression, lookup)
}

const word = (text: string): FactValue => ({ type: 'text', text })
const atLeast = (low: number): FactValue => ({ type: 'number', low, high: Infinity })

t.test('a judgement says what was compared, in words with numbers', (t) => {
  const facts = {
    'features.bytes_sent': exactly(12_400_000),
    'features.bytes_received': exactly(9),
    'features.failed_conn_ratio': exactly(0.0125),
    'time.hour': exactly(8),
    'source.namespace': word('shop'),
    'features.syn_count': atLeast(40),
  }
  const table: [string, boolean | 'unknown', string][] = [
    ['features.bytes_sent > 10000000', true, 'features.bytes_sent is 12,400,000, more than 10,000,000'],
    ['features.bytes_sent <= 10000000', false, 'features.bytes_sent is 12,400,000, more than 10,000,000'],
    ['features.bytes_sent < 5', false, 'features.bytes_sent is 12,400,000, not less than 5'],
    ['features.bytes_sent >= 5', true, 'features.bytes_sent is 12,400,000, at least 5'],
    ['features.failed_conn_ratio == 0.0125', true, 'features.failed_conn_ratio is 0.0125, equal to 0.0125'],
    ['features.failed_conn_ratio != 0.0125', false, 'features.failed_conn_ratio is 0.0125, equal to 0.0125'],
    ['time.hour between 9 and 17', false, 'time.hour is 8, not between 9 and 17'],
    ['time.hour between 8 and 8', true, 'time.hour is 8, between 8 and 8'],
    ['source.namespace in ("shop", "web")', true, 'source.namespace is "shop", one of "shop", "web"'],
    ['source.namespace == "web"', false, 'source.namespace is "shop", not equal to "web"'],
    ['features.bytes_sent > features.bytes_received', true, 'features.bytes_sent is 12,400,000, more than features.bytes_received, which is 9'],
    ['time.hour > 1 AND features.bytes_received > 100 AND time.hour > 2', false, 'features.bytes_received is 9, not more than 100'],
    ['time.hour > 1 AND time.hour > 2', true, 'time.hour is 8, more than 1; time.hour is 8, more than 2'],
    ['time.hour > 9 OR time.hour > 2', true, 'time.hour is 8, more than 2'],
    ['target.name == "db"', 'unknown', 'target.name is not known: nobody looked'],
    ['NOT target.name == "db"', 'unknown', 'target.name is not known: nobody looked'],
    ['features.syn_count > 10', true, 'features.syn_count is at least 40, more than 10'],
    ['features.syn_count > 100', 'unknown', 'features.syn_count is at least 40 so far, which does not tell whether it is > 100'],
    ['features.syn_count < 10', false, 'features.syn_count is at least 40, not less than 10'],
  ]
  for (const [text, value, words] of table) t.strictSame(judge(text, facts), { value, words }, text)
  t.end()
})

t.test('what is not known is never a match, neither plain nor negated', (t) => {
  const known = { 'time.hour': exactly(8) }
  const table: [string, boolean | 'unknown'][] = [
    ['target.name == "a" AND time.hour == 9', false],
    ['target.name == "a" AND time.hour == 8', 'unknown'],
    ['target.name == "a" OR time.hour == 8', true],
    ['target.name == "a" OR time.hour == 9', 'unknown'],
    ['NOT (target.name == "a" OR time.hour == 9)', 'unknown'],
    ['target.name in ("a", "b")', 'unknown'],
    ['target.name not in ("a", "b")', 'unknown'],
    ['features.syn_count between 1 and 2', 'unknown'],
  ]
  for (const [text, value] of table) t.equal(judge(text, known).value, value, text)
  t.end()
})

/** A condition as text beside what it comes to, worked out by JavaScript's own operators while the text is made. */
interface Sample { readonly text: string, readonly truth: (facts: Readonly<Record<string, number | string>>) => boolean }

const NUMBERS = ['features.flow_count', 'features.bytes_sent', 'features.syn_count'] as const
const TEXTS = ['source.name', 'target.name'] as const
const small = fc.integer({ min: 0, max: 6 })
const letter = fc.constantFrom('a', 'b', 'c')
const numberOf = (facts: Readonly<Record<string, number | string>>, name: string): number => Number(facts[name])

const leaf: fc.Arbitrary<Sample> = fc.oneof(
  fc.record({ fact: fc.constantFrom(...NUMBERS), operator: fc.constantFrom('<', '<=', '>', '>=', '==', '!='), value: small, flip: fc.boolean() }).map(({ fact, operator, value, flip }): Sample => ({
    text: flip ? `${value} ${operator} ${fact}` : `${fact}${operator}${value}`,
    truth: (facts) => {
      const [left, right] = flip ? [value, numberOf(facts, fact)] : [numberOf(facts, fact), value]
      return { '<': left < right, '<=': left <= right, '>': left > right, '>=': left >= right, '==': left === right, '!=': left !== right }[operator]
    },
  })),
  fc.record({ fact: fc.constantFrom(...NUMBERS), other: fc.constantFrom(...NUMBERS) }).map(({ fact, other }): Sample => ({
    text: `${fact} > ${other}`, truth: (facts) => numberOf(facts, fact) > numberOf(facts, other),
  })),
  fc.record({ fact: fc.constantFrom(...NUMBERS), low: small, more: small, word: fc.constantFrom('between', 'BETWEEN', 'not between') }).map(({ fact, low, more, word: keyword }): Sample => ({
    text: `${fact} ${keyword} ${low} and ${low + more}`,
    truth: (facts) => (numberOf(facts, fact) >= low && numberOf(facts, fact) <= low + more) !== keyword.startsWith('not'),
  })),
  fc.record({ fact: fc.constantFrom(...TEXTS), choices: fc.array(letter, { minLength: 1, maxLength: 3 }) }).map(({ fact, choices }): Sample => ({
    text: `${fact} in (${choices.map((choice) => `"${choice}"`).join(',')})`, truth: (facts) => choices.some((choice) => choice === facts[fact]),
  })),
  fc.record({ fact: fc.constantFrom(...TEXTS), value: letter }).map(({ fact, value }): Sample => ({ text: `${fact} != '${value}'`, truth: (facts) => facts[fact] !== value }))
)

const { sample } = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof({ maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.tuple(tie('sample'), fc.constantFrom('AND', 'and'), tie('sample')).map(([left, keyword, right]): Sample => ({
      text: `(${left.text}) ${keyword}\n (${right.text})`, truth: (facts) => left.truth(facts) && right.truth(facts),
    })),
    fc.tuple(tie('sample'), fc.constantFrom('OR', 'Or'), tie('sample')).map(([left, keyword, right]): Sample => ({
      text: `(${left.text}) ${keyword} (${right.text})`, truth: (facts) => left.truth(facts) || right.truth(facts),
    })),
    tie('sample').map((inner): Sample => ({ text: `NOT (${inner.text})`, truth: (facts) => !inner.truth(facts) })),
    fc.tuple(leaf, leaf, leaf).map(([one, two, three]): Sample => ({
      text: `${one.text} OR ${two.text} AND NOT ${three.text}`, truth: (facts) => one.truth(facts) || (two.truth(facts) && !three.truth(facts)),
    }))),
}))

const factValues = fc.record({
  'features.flow_count': small, 'features.bytes_sent': small, 'features.syn_count': small, 'source.name': letter, 'target.name': letter,
})

t.test('3,000 random conditions come to what JavaScript itself makes of them', (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(sample, factValues, ({ text, truth }, facts) => {
    const known = Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, typeof value === 'number' ? exactly(value) : word(value)]))
    return judge(text, known).value === truth(facts)
  }), { numRuns: 3000, seed: 3 }))
  t.end()
})

t.test('a judgement on half-known facts holds whatever the rest turns out to be', (t) => {
  let decided = 0
  t.doesNotThrow(() => fc.assert(fc.property(sample, factValues, fc.array(small, { minLength: 3, maxLength: 3 }), fc.boolean(), ({ text, truth }, low, more, hideTarget) => {
    const partly: Record<string, FactValue> = { 'source.name': word(low['source.name']), ...(hideTarget ? {} : { 'target.name': word(low['target.name']) }) }
    const turnsOut: Record<string, number | string> = { ...low, ...(hideTarget ? { 'target.name': 'c' } : {}) }
    for (const [index, name] of NUMBERS.entries()) {
      partly[name] = atLeast(low[name])
      turnsOut[name] = low[name] + (more[index] ?? 0)
    }
    const { value } = judge(text, partly)
    if (value !== 'unknown') decided++
    return value === 'unknown' || value === truth(turnsOut)
  }), { numRuns: 3000, seed: 4 }))
  t.ok(decided > 500, `${decided} were decided`)
  t.end()
})
