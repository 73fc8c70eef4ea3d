/** Kleene's three values, with the comparison that decided in words. */
export interface Judgement {
  readonly value: boolean | 'unknown'
  readonly words: string
}
