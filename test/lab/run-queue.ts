import type { PlannedRun } from './schedule.ts'

/** Who is to be made next. A run that failed is made once more, after all others. */
export class RunQueue {
  readonly #waiting: PlannedRun[]
  readonly #failed = new Set<string>()

  constructor (runs: readonly PlannedRun[]) { this.#waiting = [...runs] }

  get length (): number { return this.#waiting.length }

  /** Laboratory time that waits. */
  get seconds (): number { return this.#waiting.reduce((sum, run) => sum + run.seconds, 0) }

  /**
   * In order, so that what is there has something of everything, until the longest run that waits would take longer than the others do with
   * `jobs` at a time: then that one, or all would wait for it in the end.
   */
  next (jobs: number): PlannedRun | null {
    const longest = this.#waiting.reduce((most, { seconds }) => Math.max(most, seconds), 0)
    const at = longest >= this.seconds / jobs ? this.#waiting.findIndex(({ seconds }) => seconds === longest) : 0
    return this.#waiting.splice(at, 1)[0] ?? null
  }

  failed (run: PlannedRun): 'made again' | 'left out' {
    if (this.#failed.has(run.name)) return 'left out'
    this.#failed.add(run.name)
    this.#waiting.push(run)
    return 'made again'
  }
}
