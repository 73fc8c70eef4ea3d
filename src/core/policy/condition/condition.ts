import type { OPERATORS } from './lexer.ts'

export type Operator = (typeof OPERATORS)[number]
export type Operand = { readonly fact: string } | { readonly literal: number | string }
/** What a comparison is about always stands on its left. */
export type Expression =
  | { readonly type: 'and' | 'or', readonly terms: readonly Expression[] }
  | { readonly type: 'not', readonly term: Expression }
  | { readonly type: 'compare', readonly fact: string, readonly operator: Operator, readonly right: Operand }
  | { readonly type: 'between', readonly fact: string, readonly low: Operand, readonly high: Operand }
  | { readonly type: 'in', readonly fact: string, readonly choices: readonly Operand[] }
  /** A term of CEL that is none of the above: in its canonical text, with the facts that it asks for. */
  | { readonly type: 'cel', readonly text: string, readonly facts: readonly string[] }

/** A parsed, typed condition. Made by `parseCondition` and `parseCel` alone, so every fact in it exists and every comparison fits its types. */
export interface Condition {
  /** As the author wrote it. */
  readonly text: string
  readonly expression: Expression
}
