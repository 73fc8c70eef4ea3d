/** Hands each value to every subscriber. A slow one loses its oldest values, which are counted; nobody waits for it. */
export class Broadcast<T> {
  readonly #bound: number
  readonly #subscribers = new Set<Subscriber<T>>()
  #dropped = 0

  constructor (bound: number) {
    this.#bound = bound
  }

  /** Values that slow subscribers lost, since the start. */
  get dropped (): number {
    return this.#dropped
  }

  publish (value: T): void {
    for (const subscriber of this.#subscribers) {
      subscriber.waiting.push(value)
      if (subscriber.waiting.length > this.#bound) {
        subscriber.waiting.shift()
        this.#dropped++
      }
      subscriber.wake()
    }
  }

  /** Subscribed from the call on, not from the first read; ends when the signal aborts. */
  subscribe (signal: AbortSignal): AsyncIterable<T> {
    const subscriber: Subscriber<T> = { waiting: [], wake: () => undefined }
    if (!signal.aborted) this.#subscribers.add(subscriber)
    signal.addEventListener('abort', () => {
      this.#subscribers.delete(subscriber)
      subscriber.wake()
    }, { once: true })
    return { [Symbol.asyncIterator]: () => this.#read(subscriber, signal) }
  }

  async * #read (subscriber: Subscriber<T>, signal: AbortSignal): AsyncGenerator<T, void> {
    try {
      while (!signal.aborted) {
        const value = subscriber.waiting.shift()
        if (value !== undefined) {
          yield value
          continue
        }
        const { promise, resolve } = Promise.withResolvers<undefined>()
        subscriber.wake = () => resolve(undefined)
        await promise
      }
    } finally {
      this.#subscribers.delete(subscriber)
    }
  }
}

interface Subscriber<T> {
  readonly waiting: T[]
  wake: () => void
}
