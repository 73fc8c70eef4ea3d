import { evaluateCel } from './cel/evaluate-cel.ts'
import type { Expression, Operand, Operator } from './condition.ts'
import type { Judgement } from './judgement.ts'
import { exactly, relate, show, type FactValue, type Lookup } from './fact-value.ts'

/** Cost is bounded by what `parseCondition` and `parseCel` allow. */
export function evaluate (expression: Expression, lookup: Lookup): Judgement {
  switch (expression.type) {
    case 'and': return joined(expression.terms.map((term) => evaluate(term, lookup)), false)
    case 'or': return joined(expression.terms.map((term) => evaluate(term, lookup)), true)
    case 'not': {
      const { value, words } = evaluate(expression.term, lookup)
      return { value: value === 'unknown' ? value : !value, words }
    }
    case 'compare': return compared(expression.fact, expression.operator, expression.right, lookup)
    case 'between': return between(expression.fact, expression.low, expression.high, lookup)
    case 'in': return among(expression.fact, expression.choices, lookup)
    case 'cel': return evaluateCel(expression, lookup)
  }
}

/**
 * One term with the `decisive` value decides (false for AND, true for OR); else an unknown one; else all.
 *
 *     any decisive | any unknown | result
 *     yes          | -           | decisive, because of that term
 *     no           | yes         | unknown, because of that term
 *     no           | no          | the other value, because of all
 */
function joined (terms: readonly Judgement[], decisive: boolean): Judgement {
  const one = terms.find(({ value }) => value === decisive) ?? terms.find(({ value }) => value === 'unknown')
  return one ?? { value: !decisive, words: enumerate(terms.map(({ words }) => words), '; ') }
}

const MOST_WORDS = 4

function enumerate (phrases: readonly string[], separator: string): string {
  const shown = phrases.slice(0, MOST_WORDS).join(separator)
  return phrases.length > MOST_WORDS ? `${shown}${separator}and ${phrases.length - MOST_WORDS} more` : shown
}

/** [when true, when false] */
const RELATION: Readonly<Record<Operator, readonly [string, string]>> = {
  '==': ['equal to', 'not equal to'],
  '!=': ['not equal to', 'equal to'],
  '<': ['less than', 'not less than'],
  '<=': ['at most', 'more than'],
  '>': ['more than', 'not more than'],
  '>=': ['at least', 'less than'],
}

function compared (fact: string, operator: Operator, right: Operand, lookup: Lookup): Judgement {
  const value = lookup(fact)
  const other = resolve(right, lookup)
  const result = relate(value, operator, other)
  if (result === 'unknown') return { value: result, words: ignorance([[fact, value], [name(right), other]], `${operator} ${wordsOf(right, other)}`) }
  return { value: result, words: `${fact} is ${show(value)}, ${RELATION[operator][result ? 0 : 1]} ${wordsOf(right, other)}` }
}

function between (fact: string, low: Operand, high: Operand, lookup: Lookup): Judgement {
  const value = lookup(fact)
  const least = resolve(low, lookup)
  const most = resolve(high, lookup)
  const bounds = `between ${wordsOf(low, least)} and ${wordsOf(high, most)}`
  const { value: result } = joined([
    { value: relate(value, '>=', least), words: '' },
    { value: relate(value, '<=', most), words: '' },
  ], false)
  if (result === 'unknown') return { value: result, words: ignorance([[fact, value], [name(low), least], [name(high), most]], bounds) }
  return { value: result, words: `${fact} is ${show(value)}, ${result ? '' : 'not '}${bounds}` }
}

function among (fact: string, choices: readonly Operand[], lookup: Lookup): Judgement {
  const value = lookup(fact)
  const resolved = choices.map((choice) => ({ choice, known: resolve(choice, lookup) }))
  const { value: result } = joined(resolved.map(({ known }) => ({ value: relate(value, '==', known), words: '' })), true)
  const all = enumerate(resolved.map(({ choice, known }) => wordsOf(choice, known)), ', ')
  if (result === 'unknown') return { value: result, words: ignorance([[fact, value], ...resolved.map(({ choice, known }) => [name(choice), known] as const)], `one of ${all}`) }
  return { value: result, words: `${fact} is ${show(value)}, ${result ? '' : 'not '}one of ${all}` }
}

function resolve (operand: Operand, lookup: Lookup): FactValue {
  if ('fact' in operand) return lookup(operand.fact)
  return typeof operand.literal === 'number' ? exactly(operand.literal) : { type: 'text', text: operand.literal }
}

const name = (operand: Operand): string => 'fact' in operand ? operand.fact : ''

function wordsOf (operand: Operand, value: FactValue): string {
  return 'fact' in operand ? `${operand.fact}, which is ${show(value)}` : show(value)
}

/** Why a comparison has no answer: the first part that is not known, else that the sum is not complete. */
function ignorance (parts: readonly (readonly [string, FactValue])[], wanted: string): string {
  for (const [fact, value] of parts) {
    if (value.type === 'unknown') return `${fact} is not known: ${value.why}`
  }
  const [fact, value] = parts[0] ?? ['', exactly(0)]
  return `${fact} is ${show(value)} so far, which does not tell whether it is ${wanted}`
}
