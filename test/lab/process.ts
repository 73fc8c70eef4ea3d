import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

export interface Outcome { code: number | null, stdout: string, stderr: string, timedOut: boolean }

/** Output is kept to show what went wrong, never more than this of each stream. */
const KEPT_CHARACTERS = 64 * 1024

/**
 * A process that the laboratory started, with its whole process group. `done` settles when the group's output closes, which is
 * after the last of its processes (a namespace's entry command ends earlier than what it started).
 */
export class LabProcess {
  readonly done: Promise<Outcome>
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''
  #timedOut = false
  #closed = false

  constructor (argv: readonly [string, ...string[]], options: { timeoutMs?: number, input?: string, env: NodeJS.ProcessEnv, cwd: string }) {
    const [program, ...rest] = argv
    const child = spawn(program, rest, { detached: true, stdio: ['pipe', 'pipe', 'pipe'], env: options.env, cwd: options.cwd })
    this.#child = child
    child.stdin.on('error', () => undefined) // the process may end without having read its input
    child.stdin.end(options.input ?? '')
    child.stdout.setEncoding('utf8').on('data', (text: string) => { this.#stdout = (this.#stdout + text).slice(-KEPT_CHARACTERS) })
    child.stderr.setEncoding('utf8').on('data', (text: string) => { this.#stderr = (this.#stderr + text).slice(-KEPT_CHARACTERS) })
    const timer = options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => { this.#timedOut = true; this.stop() }, options.timeoutMs)
    this.done = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => {
        this.#closed = true
        clearTimeout(timer)
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr, timedOut: this.#timedOut })
      })
    })
    this.done.catch(() => undefined) // whoever awaits `done` hears of it; who does not must not bring the process down
  }

  get pid (): number | undefined { return this.#child.pid }
  get stderr (): string { return this.#stderr }
  get stdout (): string { return this.#stdout }

  signal (name: NodeJS.Signals, to: 'group' | 'first' = 'group'): void {
    if (this.#closed || this.pid === undefined) return
    try {
      process.kill(to === 'group' ? -this.pid : this.pid, name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  /** Asks the group to end, and after `graceMs` ends it. */
  async stop (signal: NodeJS.Signals = 'SIGTERM', graceMs = 2000): Promise<Outcome> {
    this.signal(signal)
    const timer = setTimeout(() => { this.signal('SIGKILL') }, graceMs)
    // A process that left the group and holds the pipes must not hold the laboratory, too: it ends with its pod.
    const giveUp = setTimeout(() => { this.#child.stdout?.destroy(); this.#child.stderr?.destroy() }, graceMs + 1000)
    try {
      return await this.done
    } finally {
      clearTimeout(timer)
      clearTimeout(giveUp)
    }
  }

  /** Asks its first process alone to end, as a container's is, which has to end the others itself. */
  async end (): Promise<Outcome> {
    this.signal('SIGTERM', 'first')
    return await this.done
  }

  /** Resolves when the process has written `text` to its error stream; rejects when it ends before, or after `timeoutMs`. */
  async saying (text: string, timeoutMs = 10_000): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const look = () => { if (this.#stderr.includes(text) || this.#stdout.includes(text)) resolve(undefined) }
    const timer = setTimeout(() => { reject(new Error(`no '${text}' within ${timeoutMs} ms; it said: ${this.#stderr}`)) }, timeoutMs)
    this.#child.stderr?.on('data', look)
    this.#child.stdout?.on('data', look)
    this.done.then((outcome) => { look(); reject(new Error(`ended with ${outcome.code} before it said '${text}': ${outcome.stderr}`)) }, reject)
    look()
    try {
      await promise
    } finally {
      clearTimeout(timer)
      this.#child.stderr?.off('data', look)
      this.#child.stdout?.off('data', look)
    }
  }
}
