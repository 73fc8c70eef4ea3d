import { AutoshieldError } from '../core/errors.ts'
import type { AuditTrail } from '../ports/audit.ts'
import type { Log } from './log.ts'
import type { ControllerMetrics } from './metrics.ts'

export type NewAuditEntry = Parameters<AuditTrail['append']>[0]

/** Something to be kept before it is acted on. */
export interface Entry {
  /** Asked for before the others and waited for: without them nothing else of the entry may be kept. */
  readonly first?: () => readonly Promise<unknown>[]
  /**
   * All writes are asked for in one turn, so that they share one transaction. Done again as a whole after a failure, so
   * they write what is true when they are called, not when the entry was made.
   */
  readonly writes: () => readonly Promise<unknown>[]
  readonly audit: readonly NewAuditEntry[]
  /** What may happen once all of it is on the disk. */
  readonly then?: () => void | Promise<void>
}

/** Entries that wait for a store that refuses them. */
const MAX_WAITING = 1_000

/**
 * Keeps first, acts then. Where the store refuses (a full disk), the entry waits and is tried again at each `retry`, in
 * order; the loop goes on and says that it is degraded. The trail is written after the objects, so that trying again
 * changes objects to what they are and writes each entry of the trail once.
 */
export class Journal {
  readonly #audit: AuditTrail
  readonly #metrics: ControllerMetrics
  readonly #log: Log
  #waiting: Entry[] = []
  #failure: AutoshieldError | null = null

  constructor ({ audit, metrics, log }: { audit: AuditTrail, metrics: ControllerMetrics, log: Log }) {
    this.#audit = audit
    this.#metrics = metrics
    this.#log = log
  }

  /** Why the store refuses at present; null while it does not. */
  get failure (): AutoshieldError | null {
    return this.#failure
  }

  /** Appends to the trail at once, past what waits. Rejects as the trail does, and then nothing is written or waits. */
  async record (entry: NewAuditEntry): Promise<void> {
    await this.#audit.append(entry)
    this.#metrics.auditEntry()
  }

  /** Resolves when the entry was kept and acted on, or waits. Never rejects. */
  async keep (entry: Entry): Promise<void> {
    if (this.#waiting.length === 0 && await this.#attempt(entry)) return
    this.#waiting.push(entry)
    if (this.#waiting.length <= MAX_WAITING) return
    this.#waiting.shift()
    this.#metrics.dropped('record', 1)
  }

  /** Tries again what waits, oldest first, up to the first that is refused. */
  async retry (): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!await this.#attempt(next)) return
      this.#waiting = this.#waiting.filter((entry) => entry !== next)
    }
  }

  async #attempt ({ first, writes, audit, then }: Entry): Promise<boolean> {
    try {
      if (first !== undefined) await Promise.all(first())
      await Promise.all(writes())
      await Promise.all(audit.map(async (entry) => this.record(entry)))
    } catch (error) {
      this.#failed(AutoshieldError.from(error))
      return false
    }
    if (this.#failure !== null) this.#log.info({}, 'the store takes writes again')
    this.#failure = null
    await then?.()
    return true
  }

  #failed (error: AutoshieldError): void {
    this.#metrics.storeFailure()
    if (this.#failure === null) this.#log.error({ err: error }, `the loop is degraded: ${error.message}`)
    this.#failure = error
  }
}
