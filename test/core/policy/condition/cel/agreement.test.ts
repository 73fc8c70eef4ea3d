import fc from 'fast-check'
import t from 'tap'
import { parseCel } from '../../../../../src/core/policy/condition/cel/parse-cel.ts'
import { evaluate } from '../../../../../src/core/policy/condition/evaluate.ts'
import type { FactValue } from '../../../../../src/core/policy/condition/fact-value.ts'
import { parseCondition } from '../../../../../src/core/policy/condition/parse-condition.ts'

/** One condition as text in both syntaxes, and in CEL once more with every comparison written so that the library judges it. */
interface Spelled { readonly other: string, readonly cel: string, readonly library: string }

const AMOUNTS = ['features.syn_count', 'features.bytes_sent', 'features.bytes_received']
const number = fc.integer({ min: 0, max: 4 })
const text = fc.constantFrom('a', 'b', 'c')

const comparison: fc.Arbitrary<Spelled> = fc.oneof(
  fc.tuple(fc.constantFrom(...AMOUNTS), fc.constantFrom('==', '!=', '<', '<=', '>', '>='), number)
    .map(([fact, operator, value]) => ({ other: `${fact} ${operator} ${value}`, cel: `${fact} ${operator} ${value}`, library: `${fact} + 0 ${operator} ${value}` })),
  fc.tuple(fc.constantFrom(...AMOUNTS), number, number)
    .map(([fact, one, other]) => [fact, Math.min(one, other), Math.max(one, other)] as const)
    .map(([fact, low, high]) => ({ other: `${fact} between ${low} and ${high}`, cel: `(${fact} >= ${low} && ${fact} <= ${high})`, library: `(${fact} * 1 >= ${low} && ${high} >= ${fact} * 1)` })),
  fc.tuple(fc.constantFrom('source.name', 'target.name'), fc.array(text, { minLength: 1, maxLength: 3 }))
    .map(([fact, values]) => values.map((value) => `"${value}"`).join(', '))
    .chain((values) => fc.constantFrom('source.name', 'target.name').map((fact) => ({ other: `${fact} in (${values})`, cel: `${fact} in [${values}]`, library: `[${values}].exists(x, x == ${fact})` }))),
  fc.tuple(fc.constantFrom('source.name', 'target.name'), fc.constantFrom('==', '!='), text)
    .map(([fact, operator, value]) => ({ other: `${fact} ${operator} "${value}"`, cel: `${fact} ${operator} "${value}"`, library: `${fact} + "" ${operator} "${value}"` }))
)

const condition = fc.letrec<{ any: Spelled }>((tie) => ({
  any: fc.oneof({ maxDepth: 3, depthSize: 'medium' },
    comparison,
    tie('any').map(({ other, cel, library }) => ({ other: `NOT (${other})`, cel: `!(${cel})`, library: `((${library}) ? false : true)` })),
    fc.tuple(tie('any'), tie('any'), fc.constantFrom(['AND', '&&'] as const, ['OR', '||'] as const)).map(([left, right, [word, sign]]) => ({
      other: `(${left.other} ${word} ${right.other})`, cel: `(${left.cel} ${sign} ${right.cel})`, library: `((${left.library} ${sign} ${right.library}) == true)`,
    }))),
})).any

const amount: fc.Arbitrary<FactValue> = fc.oneof(
  number.map((value) => ({ type: 'number' as const, low: value, high: value })),
  number.map((low) => ({ type: 'number' as const, low, high: Infinity })),
  fc.constant({ type: 'unknown' as const, why: 'nobody looked' })
)
const name: fc.Arbitrary<FactValue> = fc.oneof(text.map((value) => ({ type: 'text' as const, text: value })), fc.constant({ type: 'unknown' as const, why: 'nobody looked' }))
const facts = fc.record({ 'features.syn_count': amount, 'features.bytes_sent': amount, 'features.bytes_received': amount, 'source.name': name, 'target.name': name })

t.test('the same condition in both syntaxes agrees on random facts, whether we judge its comparisons or the library does', (t) => {
  fc.assert(fc.property(condition, facts, ({ other, cel, library }, known) => {
    const lookup = (fact: string): FactValue => (known as Record<string, FactValue>)[fact] ?? { type: 'unknown', why: 'no such fact' }
    const [wanted, same, judged] = [parseCondition(other), parseCel(cel), parseCel(library)].map((parsed) => {
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
      return evaluate(parsed.condition.expression, lookup).value
    })
    return same === wanted && judged === wanted
  }), { numRuns: 3_000 })
  t.end()
})
