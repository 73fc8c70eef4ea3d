import { AutoshieldError } from '../../../errors.ts'
import type { Operator } from '../condition.ts'
import { exactly, relate, type FactValue } from '../fact-value.ts'

type Interval = Extract<FactValue, { type: 'number' }>

/**
 * A number of which it may only be known that it lies within [low, high]. What cannot be told of it is thrown: CEL's `&&`
 * and `||` take an error for unknown, so that one side can still decide.
 */
export class Amount {
  readonly value: Interval

  constructor (low: number, high: number) {
    this.value = { type: 'number', low, high }
  }
}

type Operand = Amount | number | bigint

const intervalOf = (operand: Operand): FactValue => operand instanceof Amount ? operand.value : exactly(Number(operand))

/** Throws BAD_DATA where the values that are possible do not agree. */
export function compareAmounts (left: Operand, operator: Operator, right: Operand): boolean {
  const result = relate(intervalOf(left), operator, intervalOf(right))
  if (result === 'unknown') throw new AutoshieldError('BAD_DATA', 'what was seen so far does not tell')
  return result
}

const OPERATIONS = {
  '+': (a: number, b: number): number => a + b,
  '-': (a: number, b: number): number => a - b,
  '*': (a: number, b: number): number => a * b,
  '/': (a: number, b: number): number => a / b,
} as const
export type Arithmetic = keyof typeof OPERATIONS
export const ARITHMETIC = Object.keys(OPERATIONS) as Arithmetic[]

/** All that may come of it. Throws BAD_DATA for a division by what may be 0, or where nothing can be said of the result. */
export function combineAmounts (left: Operand, operation: Arithmetic, right: Operand): Amount {
  const [a, b] = [intervalOf(left), intervalOf(right)]
  if (a.type !== 'number' || b.type !== 'number') throw new AutoshieldError('INTERNAL', 'An amount is no number.')
  if (operation === '/' && b.low <= 0 && b.high >= 0) throw new AutoshieldError('BAD_DATA', 'it divides by what may be 0')
  const corners = [a.low, a.high].flatMap((one) => [b.low, b.high].map((other) => OPERATIONS[operation](one, other)))
  if (corners.some(Number.isNaN)) throw new AutoshieldError('BAD_DATA', 'what was seen so far does not tell')
  return new Amount(Math.min(...corners), Math.max(...corners))
}
