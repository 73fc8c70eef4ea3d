import type { ProxyStatus } from '../src/ports.ts'
import type { Duty } from './restriction.ts'

/**
 * Finds the restriction that a proxy refuses, and keeps it from taking the others with it. What the proxy has taken is good.
 * New duties are sent together; when that is refused, the proxy is put back on what is good at once, and the new ones are
 * tried by halves until each is taken or found to be to blame, which takes at most 2 log2(n) + 2 more pushes a bad one of n.
 * A refused duty is not tried again: one that asks for something else is another object. Where the proxy refuses what it is
 * put back on, too, no duty was to blame.
 */
export class RollBack {
  #good = new Set<Duty>()
  /** Sent beside what is good, and not answered yet. */
  #tried: readonly Duty[] = []
  /** To be tried one group after another, after a refusal. */
  #groups: (readonly Duty[])[] = []
  #refused = new Map<Duty, string>()
  /** Refused, and nothing was taken since: it may be that all would be refused. */
  #unproved = new Set<Duty>()

  /** What the proxy should carry now, of what is wanted of it. */
  allowed (wanted: readonly Duty[]): readonly Duty[] {
    this.#forget(new Set(wanted))
    const known = new Set([...this.#good, ...this.#tried, ...this.#groups.flat(), ...this.#refused.keys()])
    const fresh = wanted.filter((duty) => !known.has(duty))
    if (fresh.length > 0 && this.#groups.length > 0) this.#groups.push(fresh)
    else this.#tried = [...this.#tried, ...fresh]
    return wanted.filter((duty) => this.#good.has(duty) || this.#tried.includes(duty))
  }

  /** In the words in which the proxy refused them. */
  get refused (): ProxyStatus['refused'] {
    return [...this.#refused].map(([{ mitigation }, message]) => ({ mitigation: mitigation.metadata.name, message }))
  }

  /** Names of those that the proxy has taken, and that it should still have. */
  get held (): readonly string[] {
    return [...this.#good].map(({ mitigation }) => mitigation.metadata.name)
  }

  /** The proxy has all that was allowed. Gives whether more is allowed now. */
  taken (): boolean {
    for (const duty of this.#tried) this.#good.add(duty)
    this.#unproved.clear()
    this.#tried = this.#groups.shift() ?? []
    return this.#tried.length > 0
  }

  /** The proxy refused what was allowed, and answered for all of it. Gives whether something else is allowed now: false where no duty is to blame. */
  rejected (words: string): boolean {
    const [first, ...others] = this.#tried
    if (first === undefined) return this.#acquit()
    if (others.length === 0) {
      this.#refused.set(first, words)
      this.#unproved.add(first)
    } else {
      const half = Math.ceil(this.#tried.length / 2)
      this.#groups.unshift(this.#tried.slice(0, half), this.#tried.slice(half))
    }
    this.#tried = []
    return true
  }

  #acquit (): boolean {
    const innocent = [...this.#unproved, ...this.#groups.flat()]
    for (const duty of innocent) {
      this.#refused.delete(duty)
      this.#good.add(duty)
    }
    this.#unproved.clear()
    this.#groups = []
    return innocent.length > 0
  }

  #forget (wanted: ReadonlySet<Duty>): void {
    this.#good = new Set([...this.#good].filter((duty) => wanted.has(duty)))
    this.#tried = this.#tried.filter((duty) => wanted.has(duty))
    this.#groups = this.#groups.map((group) => group.filter((duty) => wanted.has(duty))).filter((group) => group.length > 0)
    this.#refused = new Map([...this.#refused].filter(([duty]) => wanted.has(duty)))
    this.#unproved = new Set([...this.#unproved].filter((duty) => wanted.has(duty)))
  }
}
