import type { Expect, Variant } from './case.ts'
import { isWhole } from './resource.ts'
import type { Response } from './stream.ts'

/** A response in a case's words: `a1 -b`. */
export const textsOf = ({ resources, removed }: Response): string[] => [...resources.map(({ text }) => text), ...removed.map((name) => `-${name}`)]

/** What an `expect` step still waits for. */
export class Gathering {
  readonly #variant: Variant
  readonly #step: Expect
  readonly #knows: (text: string) => boolean
  readonly #missing: Set<string>

  /** `knows`: whether the client had that before. Null where the step expects nothing in this variant. */
  static of (variant: Variant, step: Expect, knows: (text: string) => boolean): Gathering | null {
    const wanted = variant === 'sotw' && step.sotw !== undefined ? step.sotw : step.gets
    return wanted === null ? null : new Gathering(variant, step, knows, wanted)
  }

  private constructor (variant: Variant, step: Expect, knows: (text: string) => boolean, wanted: string) {
    this.#variant = variant
    this.#step = step
    this.#knows = knows
    this.#missing = new Set(wanted.split(' ').filter((text) => text !== ''))
  }

  get complete (): boolean {
    return this.#missing.size === 0
  }

  /** For people. */
  get missing (): string {
    return [...this.#missing].join(' ') || 'an empty response'
  }

  /** What is wrong with the next response, or null. */
  take (response: Response): string | null {
    const got = textsOf(response)
    const whole = this.#variant === 'sotw' && isWhole(this.#step.expect)
    // What state of the world has sent before may come with the rest, where a response need not hold all.
    const known = (text: string): boolean => this.#variant === 'sotw' && !whole && this.#knows(text)
    const odd = got.some((text) => !this.#missing.has(text) && !known(text)) || (whole && got.length < this.#missing.size)
    if (odd) return `${this.#step.expect}: '${got.join(' ')}' came, and should be '${[...this.#missing].join(' ')}'`
    for (const text of got) this.#missing.delete(text)
    return null
  }
}
