import { AutoshieldError } from '../core/errors.ts'

interface Part {
  readonly stop: AbortController
  readonly ended: Promise<void>
}

/** How long one part may take to stop; what it holds is taken from it then. */
const STOP_MS = 8_000

/**
 * Long-lived parts of one process. They are started in the order in which they need each other and stopped in the reverse, each
 * one before the next. A part that fails ends the whole.
 */
export class Parts implements AsyncDisposable {
  readonly #parts: Part[] = []
  readonly #failed = Promise.withResolvers<never>()

  constructor () {
    this.#failed.promise.catch(() => undefined) // `untilAborted` tells
  }

  start (run: (signal: AbortSignal) => Promise<void>): void {
    const stop = new AbortController()
    const ended = run(stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) this.#failed.reject(AutoshieldError.from(error))
    })
    this.#parts.push({ stop, ended })
  }

  /** Rejects with a part's failure, should one come before `work` is done. */
  async orFailure<T> (work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#failed.promise])
  }

  async untilAborted (signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const aborted = Promise.withResolvers<undefined>()
    signal.addEventListener('abort', () => aborted.resolve(undefined), { once: true })
    await this.orFailure(aborted.promise)
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    for (const { stop, ended } of this.#parts.splice(0).reverse()) {
      stop.abort()
      const late = Promise.withResolvers<undefined>()
      const timer = setTimeout(() => late.resolve(undefined), STOP_MS)
      await Promise.race([ended, late.promise])
      clearTimeout(timer)
    }
  }
}
