/** One measured figure, beside something measured in the same run. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly beside: { readonly name: string, readonly value: number }
  /** value / beside.value; where both are medians of rounds, the median of the rounds' own ratios. */
  readonly ratio: number
}
