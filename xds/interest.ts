/** The name that stands for everything that the server thinks the client should have. */
const WILDCARD = '*'

/**
 * Which resources of one type a client has asked for on one stream (xDS protocol, "How the client specifies what resources
 * to return"). A client that never named a resource is taken to have asked for `*`; once it has, it must ask for it.
 */
export class Interest {
  readonly #names = new Set<string>()
  #everNamed = false
  #wildcard = false

  get wildcard (): boolean {
    return this.#wildcard
  }

  /** Those asked for by name. */
  get names (): ReadonlySet<string> {
    return this.#names
  }

  covers (name: string): boolean {
    return this.#wildcard || this.#names.has(name)
  }

  /** A state-of-the-world request: the whole list. Gives the names that were not asked for before, `*` among them. */
  replace (names: readonly string[]): readonly string[] {
    const before = { wildcard: this.#wildcard, names: new Set(this.#names) }
    if (names.length > 0) this.#everNamed = true
    this.#wildcard = names.includes(WILDCARD) || !this.#everNamed
    this.#names.clear()
    for (const name of names) if (name !== WILDCARD) this.#names.add(name)
    const gained = [...this.#names].filter((name) => !before.names.has(name))
    return this.#wildcard && !before.wildcard ? [WILDCARD, ...gained] : gained
  }

  /** A delta request. Where a name is in both lists it ends up not asked for. */
  change (subscribe: readonly string[], unsubscribe: readonly string[]): void {
    // A first request that names nothing means `*`; it stays in force when names follow.
    if (subscribe.length > 0 || unsubscribe.includes(WILDCARD)) this.#everNamed = true
    if (!this.#everNamed) this.#wildcard = true
    for (const name of subscribe) {
      if (name === WILDCARD) this.#wildcard = true
      else this.#names.add(name)
    }
    for (const name of unsubscribe) {
      if (name === WILDCARD) this.#wildcard = false
      else this.#names.delete(name)
    }
  }
}
