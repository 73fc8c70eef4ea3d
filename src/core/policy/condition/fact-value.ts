import type { Operator } from './condition.ts'

/**
 * What is known of a fact. A number lies within [low, high]: of a sum that was seen only in part, `high` is Infinity.
 * What is not known makes a comparison unknown, never false, so that NOT cannot turn ignorance into a match.
 */
export type FactValue =
  | { readonly type: 'number', readonly low: number, readonly high: number }
  | { readonly type: 'text', readonly text: string }
  | { readonly type: 'unknown', readonly why: string }

export type Lookup = (fact: string) => FactValue

export const exactly = (value: number): FactValue => ({ type: 'number', low: value, high: value })

/** Compares intervals: true or false only where every value within them agrees. */
export function relate (left: FactValue, operator: Operator, right: FactValue): boolean | 'unknown' {
  if (left.type === 'text' && right.type === 'text') {
    const same = left.text === right.text
    return operator === '==' ? same : operator === '!=' ? !same : 'unknown'
  }
  if (left.type !== 'number' || right.type !== 'number') return 'unknown'
  switch (operator) {
    case '>': return left.low > right.high ? true : left.high <= right.low ? false : 'unknown'
    case '>=': return left.low >= right.high ? true : left.high < right.low ? false : 'unknown'
    case '<': return relate(right, '>', left)
    case '<=': return relate(right, '>=', left)
    case '==': {
      if (left.high < right.low || left.low > right.high) return false
      return left.low === left.high && right.low === right.high ? true : 'unknown'
    }
    case '!=': {
      const same = relate(left, '==', right)
      return same === 'unknown' ? same : !same
    }
  }
}

const NUMBERS = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 6 })
const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** As people read it: `12,400,000`, `0.0125`. */
export function showNumber (value: number): string {
  return Number.isInteger(value) ? WHOLE.format(value) : NUMBERS.format(value)
}

/** A value in words; of a sum that was seen only in part, what is sure. */
export function show (value: FactValue): string {
  switch (value.type) {
    case 'number': return value.low === value.high ? showNumber(value.low) : `at least ${showNumber(value.low)}`
    case 'text': return JSON.stringify(value.text)
    case 'unknown': return 'unknown'
  }
}
