import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** Which cores: the first is the server's alone, where the machine has another for the proxies. */
export type Cores = 'server' | 'others' | 'any'

function onCores (cores: Cores): string[] {
  const count = availableParallelism()
  if (cores === 'any' || count < 2) return []
  return ['taskset', '--cpu-list', cores === 'server' ? '0' : `1-${count - 1}`]
}

/** A process that is told what to do on its stdin and answers on its stdout, a line of JSON each; it may not outlive us. */
export class ToldProcess implements AsyncDisposable {
  readonly #child: ChildProcess & { stdin: Writable, stdout: Readable }
  readonly #ended: Promise<null>
  readonly #waiting: ((line: string) => void)[] = []

  constructor (cores: Cores, command: readonly string[]) {
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', ...onCores(cores), ...command], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.stdin.on('error', () => undefined) // it has ended, which `ended` says
    this.#ended = once(this.#child, 'exit').then(() => null)
    createInterface(this.#child.stdout).on('line', (line) => this.#waiting.shift()?.(line))
  }

  /** A program of this folder. */
  static node (cores: Cores, file: string, flags: readonly string[] = []): ToldProcess {
    return new ToldProcess(cores, [process.execPath, ...flags, join(import.meta.dirname, file)])
  }

  get pid (): number {
    return this.#child.pid ?? -1
  }

  /** Answers come in the order of the questions. Rejects when the process ends before. */
  async tell<Answer> (command: Readonly<Record<string, unknown>>): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<string>()
    this.#waiting.push(resolve)
    this.#child.stdin.write(`${JSON.stringify(command)}\n`)
    const line = await Promise.race([promise, this.#ended])
    if (line === null) throw new Error(`the process ended before it answered '${String(command['do'])}'`)
    return JSON.parse(line) as Answer
  }

  kill (signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.kill('SIGKILL')
    await this.#ended
  }
}
