import type { Clock } from '../../src/ports/clock.ts'

export interface Log {
  readonly info: (detail: object, message: string) => void
  readonly warn: (detail: object, message: string) => void
  readonly error: (detail: object, message: string) => void
}

const EVERY_MS = 60_000

/** Tells of a fault at once, and of more of its kind once a minute with how many there were. Kinds are few and ours. */
export class FaultLog {
  readonly #log: Log
  readonly #clock: Clock
  readonly #said = new Map<string, { atMs: number, since: number }>()

  constructor (log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  tell (kind: string, error: Error): void {
    const nowMs = this.#clock.now()
    const before = this.#said.get(kind)
    if (before !== undefined && nowMs - before.atMs < EVERY_MS) {
      before.since++
      return
    }
    this.#said.set(kind, { atMs: nowMs, since: 0 })
    this.#log.error({ err: error, kind, alsoSinceTheLastLine: before?.since ?? 0 }, 'a fault of AutoShield: the review was let through')
  }
}
