/** Says that something changed, however often, to one who looks when it can. */
export class Wake {
  #rung = false
  #listener: (() => void) | null = null

  ring (): void {
    this.#rung = true
    this.#listener?.()
  }

  /** Resolves true once it was rung since the last time, or false when the signal aborts. */
  async next (signal: AbortSignal): Promise<boolean> {
    if (!this.#rung && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      const wake = (): void => resolve(undefined)
      this.#listener = wake
      signal.addEventListener('abort', wake, { once: true })
      await promise
      signal.removeEventListener('abort', wake)
      this.#listener = null
    }
    this.#rung = false
    return !signal.aborted
  }
}
