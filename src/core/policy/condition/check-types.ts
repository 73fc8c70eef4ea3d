import { mendWord } from '../nearest.ts'
import type { Expression, Operand, Operator } from './condition.ts'
import { FACT_NAMES, factType, type FactType } from './facts.ts'
import type { Fault } from './lexer.ts'

type Complaint = Omit<Fault, 'offset'>

export function knownFact (name: string): Complaint | null {
  return factType(name) === null ? { message: `${JSON.stringify(name)} is not a known fact`, mend: mendWord(name, FACT_NAMES) } : null
}

const MIRRORED: Readonly<Record<Operator, Operator>> = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' }

/** Puts the fact on the left and compares types and possible values. Where there are faults, the expression is not to be used. */
export function checkComparison (left: Operand, operator: Operator | 'between' | 'in', ...right: readonly Operand[]): { expression: Expression, faults: readonly Complaint[] } {
  const [first = left] = right
  if (!('fact' in left)) {
    if ('fact' in first && operator !== 'between' && operator !== 'in') return checkComparison(first, MIRRORED[operator], left)
    const complaint = { message: 'compares no fact with anything', mend: 'Begin with a fact such as features.bytes_sent' }
    return { expression: build('', operator, right), faults: [complaint] }
  }
  const type = factType(left.fact)
  const faults = type === null ? [] : right.flatMap((operand) => misfit(left.fact, type, operand) ?? [])
  if (type?.type === 'text' && operator !== '==' && operator !== '!=' && operator !== 'in') {
    faults.push({ message: `${left.fact} is a text and has no order`, mend: 'Compare it by ==, != or in' })
  }
  if (operator === 'between' && isBackwards(right)) {
    faults.push({ message: 'begins above its end, so it is never true', mend: 'Swap the bounds, or write two comparisons joined by OR' })
  }
  return { expression: build(left.fact, operator, right), faults }
}

function build (fact: string, operator: Operator | 'between' | 'in', right: readonly Operand[]): Expression {
  const [first = { literal: 0 }, second = first] = right
  if (operator === 'between') return { type: 'between', fact, low: first, high: second }
  if (operator === 'in') return { type: 'in', fact, choices: right }
  return { type: 'compare', fact, operator, right: first }
}

function isBackwards ([low, high]: readonly Operand[]): boolean {
  return low !== undefined && high !== undefined && 'literal' in low && 'literal' in high && low.literal > high.literal
}

function misfit (fact: string, type: FactType, operand: Operand): Complaint | null {
  if ('fact' in operand) {
    const other = factType(operand.fact)
    if (other === null || other.type === type.type) return null
    return { message: `${fact} is a ${type.type} and ${operand.fact} a ${other.type}`, mend: 'Compare facts of one type' }
  }
  const { literal } = operand
  if (type.type === 'number') {
    if (typeof literal !== 'number') return { message: `${fact} is a number, ${JSON.stringify(literal)} is not`, mend: 'Write a number without quotes' }
    if (literal >= type.min && literal <= type.max) return null
    return { message: `${fact} is never ${literal}`, mend: type.max === Infinity ? `Use ${type.min} or more` : `Use ${type.min} to ${type.max}` }
  }
  if (typeof literal !== 'string') return { message: `${fact} is a text, ${literal} is not`, mend: 'Write the text in quotes' }
  if (type.values === null || type.values.includes(literal)) return null
  return { message: `${fact} is never ${JSON.stringify(literal)}`, mend: mendWord(literal, type.values) }
}
