import type { ProxyStatus } from '../src/ports/proxies.ts'
import type { Duty } from './restriction.ts'

const NOTHING: ReadonlySet<Duty> = new Set()
const NONE: ProxyStatus['refused'] = []

/**
 * Finds the restriction that a proxy refuses, and keeps it from taking the others with it. What the proxy has taken is good.
 * New duties are sent together; when that is refused, the proxy is put back on what is good at once, and the new ones are
 * tried by halves until each is taken or found to be to blame, which takes at most 2 log2(n) + 2 more pushes a bad one of n.
 * A refused duty is not tried again: one that asks for something else is another object. Where the proxy refuses what it is
 * put back on, too, no duty was to blame.
 */
export class RollBack {
  readonly #good = new Set<Duty>()
  /** Sent beside what is good, and not answered yet. */
  #tried: ReadonlySet<Duty> = NOTHING
  /** To be tried one group after another, after a refusal. */
  #groups: (readonly Duty[])[] = []
  readonly #refused = new Map<Duty, string>()
  /** Refused, and nothing was taken since: it may be that all would be refused. */
  readonly #unproved = new Set<Duty>()

  /** What the proxy should carry now, of what is wanted of it. */
  allowed (wanted: readonly Duty[]): readonly Duty[] {
    this.#forget(new Set(wanted))
    const waiting = new Set(this.#groups.flat())
    const fresh = wanted.filter((duty) => !this.#good.has(duty) && !this.#tried.has(duty) && !waiting.has(duty) && !this.#refused.has(duty))
    if (fresh.length > 0 && this.#groups.length > 0) this.#groups.push(fresh)
    else if (fresh.length > 0) this.#tried = new Set([...this.#tried, ...fresh])
    return wanted.filter((duty) => this.#good.has(duty) || this.#tried.has(duty))
  }

  /** In the words in which the proxy refused them. */
  get refused (): ProxyStatus['refused'] {
    return this.#refused.size === 0 ? NONE : [...this.#refused].map(([{ mitigation }, message]) => ({ mitigation: mitigation.metadata.name, message }))
  }

  /** Names of those that the proxy has taken, and that it should still have. */
  get held (): readonly string[] {
    return [...this.#good].map(({ mitigation }) => mitigation.metadata.name)
  }

  /** The proxy has all that was allowed. Gives whether more is allowed now. */
  taken (): boolean {
    for (const duty of this.#tried) this.#good.add(duty)
    this.#unproved.clear()
    const next = this.#groups.shift()
    this.#tried = next === undefined ? NOTHING : new Set(next)
    return this.#tried.size > 0
  }

  /** The proxy refused what was allowed, and answered for all of it. Gives whether something else is allowed now: false where no duty is to blame. */
  rejected (words: string): boolean {
    const tried = [...this.#tried]
    const [first, ...others] = tried
    if (first === undefined) return this.#acquit()
    if (others.length === 0) {
      this.#refused.set(first, words)
      this.#unproved.add(first)
    } else {
      const half = Math.ceil(tried.length / 2)
      this.#groups.unshift(tried.slice(0, half), tried.slice(half))
    }
    this.#tried = NOTHING
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
    if (!wanted.isSupersetOf(this.#tried)) this.#tried = wanted.intersection(this.#tried)
    if (this.#groups.length > 0) this.#groups = this.#groups.map((group) => group.filter((duty) => wanted.has(duty))).filter((group) => group.length > 0)
    for (const duties of [this.#good, this.#refused, this.#unproved]) for (const duty of duties.keys()) if (!wanted.has(duty)) duties.delete(duty)
  }
}
