/** Work in order for each key, and for all keys together at most so much at once. */
export class Lanes {
  readonly #width: number
  readonly #tails = new Map<string, Promise<unknown>>()
  readonly #waiting: (() => void)[] = []
  #busy = 0

  constructor (width: number) {
    this.#width = width
  }

  /** Settles as the work does. Work that failed holds up nothing behind it. */
  async run<T> (key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve()
    const mine = before.then(async () => this.#inLane(work), async () => this.#inLane(work))
    this.#tails.set(key, mine)
    try {
      return await mine
    } finally {
      if (this.#tails.get(key) === mine) this.#tails.delete(key)
    }
  }

  async #inLane<T> (work: () => Promise<T>): Promise<T> {
    if (this.#busy < this.#width) this.#busy++
    else await new Promise<void>((resolve) => { this.#waiting.push(resolve) })
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift() // the lane is handed on, so that none can slip in between
      if (next === undefined) this.#busy--
      else next()
    }
  }
}
