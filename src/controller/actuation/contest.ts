/** How often what somebody takes away is put back before it is left as it is: who goes on is no accident, and may be a tool that never tires. */
export const MOST_PUT_BACKS = 3

/** Who takes away what we made, object by object: what we know to have been there and to be ours. */
export class Contest {
  /** What was made, in the form in which it was last seen to hold. */
  readonly #held = new Map<string, string>()
  readonly #times = new Map<string, number>()

  /** It holds in this form. */
  holds (key: string, form: string): void {
    this.#held.set(key, form)
  }

  /**
   * It does not hold. What we make of that:
   *
   *     held before in this form | times before  | outcome
   *     no                       | -             | make: it is new, or we ask for something else now
   *     yes                      | fewer than 3  | put-back
   *     yes                      | 3             | hold, and for ever
   */
  missing (key: string, form: string): 'make' | 'put-back' | 'hold' {
    if (this.isHeld(key)) return 'hold'
    if (this.#held.get(key) !== form) return 'make'
    this.#held.delete(key) // told once; when it holds again, the next time counts anew
    const times = (this.#times.get(key) ?? 0) + 1
    this.#times.set(key, times)
    return times > MOST_PUT_BACKS ? 'hold' : 'put-back'
  }

  isHeld (key: string): boolean {
    return (this.#times.get(key) ?? 0) > MOST_PUT_BACKS
  }

  /** How often it was taken away. */
  timesOf (key: string): number {
    return this.#times.get(key) ?? 0
  }

  /** Forgets what nobody asks for any more. */
  keepOnly (keys: { readonly has: (key: string) => boolean }): void {
    for (const map of [this.#held, this.#times]) for (const key of map.keys()) if (!keys.has(key)) map.delete(key)
  }
}
