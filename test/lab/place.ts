/** Where something runs in a plan: a pod that need not be there yet. `Pod` is one that is. */
export interface Place {
  readonly name: string
  /** The first of `addresses`. */
  readonly address: string
  readonly addresses: readonly string[]
}
