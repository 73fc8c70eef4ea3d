import { setTimeout as delay } from 'node:timers/promises'
import type { Running } from '../program.ts'

/** As a kubelet does: what ended is started again, not at once. */
export const AGAIN_MS = 1_000

/** Asked anew each time: to the compiler a flag that was false stays false. */
const isLive = (signal: AbortSignal): boolean => !signal.aborted

/** A process of the product that is started again whenever it ends, until it is disposed. */
export class Member implements AsyncDisposable {
  readonly name: string
  readonly #start: () => Running
  readonly #over = new AbortController()
  #running: Running
  #said = ''
  #following: Promise<void>
  /** How often it ended though nobody killed it, with its last words. */
  readonly ends: string[] = []
  #state: 'runs' | 'away' = 'runs'
  #killed = false
  #awayMs = AGAIN_MS

  constructor (name: string, start: () => Running) {
    this.name = name
    this.#start = start
    this.#running = start()
    this.#following = this.#follow()
  }

  /** The newest process. */
  get running (): Running {
    return this.#running
  }

  /** `away`: the newest process has ended, and the next one is not started yet. */
  get state (): 'runs' | 'away' {
    return this.#state
  }

  /** All that its processes said. */
  get said (): string {
    return `${this.#said}${this.#running.stdout}${this.#running.stderr}`
  }

  /** `kill -9`; resolves when it is gone. It is started again after `awayMs`. */
  async kill (awayMs = AGAIN_MS): Promise<void> {
    const { running } = this
    this.#killed = true
    this.#awayMs = awayMs
    running.kill('SIGKILL')
    await running.ended
  }

  async #follow (): Promise<void> {
    while (isLive(this.#over.signal)) {
      const [status] = await this.#running.ended
      if (!isLive(this.#over.signal)) return
      this.#state = 'away'
      if (!this.#killed) this.ends.push(`${this.name} ended with ${String(status)}: ${this.#running.stderr.slice(-600)}${this.#running.stdout.slice(-600)}`)
      this.#said = `${this.said}\n--- ended ${new Date().toISOString()}${this.#killed ? ', killed' : ''}\n`
      const awayMs = this.#awayMs
      this.#killed = false
      this.#awayMs = AGAIN_MS
      await delay(awayMs, undefined, { signal: this.#over.signal }).catch(() => undefined)
      if (!isLive(this.#over.signal)) return
      this.#running = this.#start()
      this.#state = 'runs'
    }
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.#over.abort()
    await this.#running[Symbol.asyncDispose]()
    await this.#following
  }
}
