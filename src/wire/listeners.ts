/** Those who want to hear of a change. */
export class Listeners {
  readonly #listeners = new Set<() => void>()

  /** The same function twice is two listeners. */
  add (listener: () => void): Disposable {
    const own = (): void => listener()
    this.#listeners.add(own)
    return { [Symbol.dispose]: () => { this.#listeners.delete(own) } }
  }

  call (): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
