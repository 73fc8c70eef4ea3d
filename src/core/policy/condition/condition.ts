/** A parsed, typed condition. Made by `parseCondition` alone, so every fact in it exists and every comparison fits its types. */
export interface Condition {
  /** As the author wrote it. */
  readonly text: string
  readonly expression: Expression
}

export type Operator = '==' | '!=' | '<' | '<=' | '>' | '>='
export type Operand = { readonly fact: string } | { readonly literal: number | string }
export type Expression =
  | { readonly type: 'and' | 'or', readonly terms: readonly Expression[] }
  | { readonly type: 'not', readonly term: Expression }
  | { readonly type: 'compare', readonly left: Operand, readonly operator: Operator, readonly right: Operand }
  | { readonly type: 'between', readonly value: Operand, readonly low: Operand, readonly high: Operand }
  | { readonly type: 'in', readonly value: Operand, readonly choices: readonly Operand[] }
