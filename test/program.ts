import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

export const PROGRAM = fileURLToPath(new URL('../src/main.ts', import.meta.url))
/** The Node that runs the tests. */
export const NODE = process.execPath

export interface Outcome { readonly status: number | null, readonly stdout: string, readonly stderr: string }

/** The environment of a user who has set nothing of ours; coverage of child processes would slow them by half. */
function cleanEnvironment (extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { ENABLE_ACTUATION: _a, MODEL_PATH: _m, MODEL_STORE: _s, MODEL_KEYS: _k, ALLOW_UNSIGNED_MODEL: _u, LOG_LEVEL: _l, USE_GPU: _g, NODE_OPTIONS: _o, ...rest } = process.env
  return { ...rest, ...extra }
}

/** Runs `autoshield ARGS` to its end. */
export async function autoshield (args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Outcome> {
  const running = Running.start(args, env)
  const [status] = await running.ended
  return { status, stdout: running.stdout, stderr: running.stderr }
}

/** `autoshield ARGS` while it runs. Ended by SIGKILL when the test is done with it. */
export class Running implements AsyncDisposable {
  readonly ended: Promise<[number | null, NodeJS.Signals | null]>
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''

  private constructor (child: ChildProcess) {
    this.#child = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => { this.#stdout += text })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => { this.#stderr += text })
    this.ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  }

  static start (args: readonly string[], env?: Readonly<Record<string, string>>, within: readonly string[] = []): Running {
    const [program = NODE, ...rest] = [...within, NODE, PROGRAM, ...args]
    return new Running(spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: cleanEnvironment(env) }))
  }

  get stdout (): string { return this.#stdout }
  get stderr (): string { return this.#stderr }
  get pid (): number { return this.#child.pid ?? -1 }

  /** What it prints from now on, as it comes. */
  follow (to: Writable): void {
    this.#child.stdout?.pipe(to, { end: false })
    this.#child.stderr?.pipe(to, { end: false })
  }

  /** Resolves with the first match in what it printed; rejects when it ends without, or after `deadlineMs`. */
  async saying (pattern: RegExp, deadlineMs = 30_000): Promise<RegExpExecArray> {
    const found = Promise.withResolvers<RegExpExecArray>()
    const look = (): void => {
      const match = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr)
      if (match !== null) found.resolve(match)
    }
    const fail = (why: string): void => found.reject(new Error(`${why} before it said ${String(pattern)}; it said:\n${this.#stdout}\n${this.#stderr}`))
    const timer = setTimeout(() => fail(`${deadlineMs} ms passed`), deadlineMs)
    this.ended.then(([status]) => { look(); fail(`it ended with ${String(status)}`) }, found.reject)
    this.#child.stdout?.on('data', look)
    this.#child.stderr?.on('data', look)
    look()
    try {
      return await found.promise
    } finally {
      clearTimeout(timer)
      this.#child.stdout?.off('data', look)
      this.#child.stderr?.off('data', look)
    }
  }

  kill (signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.kill('SIGKILL')
    await this.ended
  }
}
