import type { ParseResult } from '@marcbachmann/cel-js'
import { AutoshieldError } from '../../../errors.ts'
import type { Expression } from '../condition.ts'
import type { Judgement } from '../judgement.ts'
import { show, type FactValue, type Lookup } from '../fact-value.ts'
import { Amount } from './amount.ts'
import { CEL, celContext, celType } from './environment.ts'

type Term = Extract<Expression, { type: 'cel' }>

/** A term is parsed when it is first judged; `parseCel` has checked it. */
const parsed = new WeakMap<Term, ParseResult>()

function parsedOf (term: Term): ParseResult {
  const known = parsed.get(term) ?? CEL.parse(term.text)
  parsed.set(term, known)
  return known
}

/** One term of CEL. What is not known is no property, and CEL's error for that is our unknown. */
export function evaluateCel (term: Term, lookup: Lookup): Judgement {
  const facts = term.facts.map((fact) => [fact, lookup(fact)] as const)
  const values = new Map(facts.flatMap(([fact, value]) => value.type === 'unknown' ? [] : [[fact, valueOf(fact, value)] as const]))
  const run = parsedOf(term)
  let result: unknown
  try {
    result = run(celContext(values))
  } catch (thrown) {
    return { value: 'unknown', words: ignorance(term, facts, thrown) }
  }
  if (typeof result !== 'boolean') throw new AutoshieldError('INTERNAL', `The condition ${term.text} came to no truth.`)
  const seen = facts.map(([fact, value]) => `${fact} is ${show(value)}`).join(' and ')
  return { value: result, words: `${term.text} ${result ? 'holds' : 'does not hold'}, as ${seen}` }
}

function valueOf (fact: string, value: Exclude<FactValue, { type: 'unknown' }>): unknown {
  if (value.type === 'text') return value.text
  switch (celType(fact)) {
    case 'number': return new Amount(value.low, value.high)
    case 'int': return BigInt(Math.round(value.low))
    case 'double':
    case 'string': return value.low
  }
}

function ignorance ({ text }: Term, facts: readonly (readonly [string, FactValue])[], thrown: unknown): string {
  for (const [fact, value] of facts) {
    if (value.type === 'unknown') return `${fact} is not known: ${value.why}`
  }
  const why = AutoshieldError.from(thrown).message.split('\n')[0] ?? ''
  return `${text} has no answer (${why}), as ${facts.map(([fact, value]) => `${fact} is ${show(value)}`).join(' and ')}`
}
