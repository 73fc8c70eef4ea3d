import { AutoshieldError } from '../../core/errors.ts'
import type { Log } from '../log.ts'
import type { AdmissionRecord, AdmissionTrail } from './admission-trail.ts'
import { atEachBeat, type Every } from './beats.ts'

/** Takes what a watcher saw. Never blocks and never throws. */
export type Keep = (records: readonly AdmissionRecord[]) => void

const MAX_HELD = 1_000
const RETRY_MS = 1_000

/** What the controller's own watchers saw, until the trail has it: they have nobody who would send it again. */
export class HeldRecords {
  /** Records that there was no room for. */
  dropped = 0
  readonly #trail: AdmissionTrail
  readonly #log: Log
  readonly #every: Every
  #held: AdmissionRecord[] = []
  #writing: Promise<void> | null = null

  constructor ({ trail, log, every }: { trail: AdmissionTrail, log: Log, every: Every }) {
    this.#trail = trail
    this.#log = log
    this.#every = every
  }

  readonly keep: Keep = (records) => {
    this.#held.push(...records)
    const excess = this.#held.length - MAX_HELD
    if (excess > 0) {
      this.#held.splice(0, excess)
      this.dropped += excess
      this.#log.error({ dropped: this.dropped }, 'the trail takes nothing, and admissions that were seen by watching are lost')
    }
    this.flush().catch((error: unknown) => this.#log.error({ err: error }, 'a defect of the admission record'))
  }

  /** Writes again what the trail refused, until the signal aborts. */
  async run (signal: AbortSignal): Promise<void> {
    await atEachBeat(this.#every, RETRY_MS, signal, async () => this.flush())
    await this.flush()
  }

  /** Resolves when all that is held was tried. Never rejects. */
  async flush (): Promise<void> {
    this.#writing ??= this.#write().finally(() => { this.#writing = null })
    await this.#writing
  }

  async #write (): Promise<void> {
    while (this.#held.length > 0) {
      const records = this.#held
      this.#held = []
      try {
        await this.#trail.write(records)
      } catch (error) {
        this.#held.unshift(...records)
        this.#log.warn({ err: AutoshieldError.from(error), held: this.#held.length }, 'the trail takes no admissions; they are held and tried again')
        return
      }
    }
  }
}
