import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { toBinary } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { ChannelCredentials, Client } from '@grpc/grpc-js'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { connect } from '../../../src/wire/tls.ts'
import type { Control, Held } from './control.ts'

const started = Compile(Type.Object({
  port: Type.Integer({ minimum: 1, maximum: 65_535 }),
  credentials: Type.Optional(Type.Object({ certificate: Type.String(), key: Type.String(), authorities: Type.String() })),
}))
type Started = ReturnType<typeof started.Parse>

/**
 * A server under test as a program of any make, told what it has on its stdin and answering on its stdout, a line of JSON each
 * (README.md, "Another server"). Its stderr is ours.
 */
export class ServerProgram implements Control, AsyncDisposable {
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #read: Interface
  #started: Started | null = null

  private constructor (command: string, args: readonly string[]) {
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    if (this.#process.stdout === null || this.#process.stdin === null) throw new TypeError('the program has no pipes')
    this.#process.on('error', () => undefined) // its output ends, and that is told
    this.#process.stdin.on('error', () => undefined)
    this.#read = createInterface(this.#process.stdout)
    this.#lines = this.#read[Symbol.asyncIterator]()
  }

  /** Rejects where the program does not say where it listens. */
  static async start ([command, ...args]: readonly [string, ...string[]]): Promise<ServerProgram> {
    const program = new ServerProgram(command, args)
    try {
      const said = await program.#next()
      if (!started.Check(said)) throw new Error(`the program's first line is not {"port": N}: ${JSON.stringify(said)}`)
      program.#started = said
      return program
    } catch (error) {
      await program[Symbol.asyncDispose]()
      throw error
    }
  }

  async set (world: ReadonlyMap<string, Held>): Promise<void> {
    const set = Object.fromEntries([...world].map(([url, { version, resources }]) =>
      [url, { version, resources: resources.map(({ name, body }) => ({ name, body: Buffer.from(toBinary(AnySchema, body)).toString('base64') })) }]))
    this.#process.stdin?.write(`${JSON.stringify({ set })}\n`)
    await this.#next()
  }

  open (): Client {
    if (this.#started === null) throw new TypeError('the program does not listen yet')
    const { port, credentials } = this.#started
    return credentials === undefined ? new Client(`127.0.0.1:${port}`, ChannelCredentials.createInsecure()) : connect(`127.0.0.1:${port}`, credentials)
  }

  /** Ends its stdin, for which it is to end; it is killed after two seconds. */
  async [Symbol.asyncDispose] (): Promise<void> {
    const { exitCode, signalCode, pid } = this.#process
    if (exitCode === null && signalCode === null && pid !== undefined) {
      const late = setTimeout(() => this.#process.kill('SIGKILL'), 2_000)
      this.#process.stdin?.end()
      await once(this.#process, 'exit')
      clearTimeout(late)
    }
    this.#read.close()
  }

  async #next (): Promise<unknown> {
    const line = await this.#lines.next()
    if (line.done === true) throw new Error('the program ended, or closed its stdout; what it said stands above')
    return JSON.parse(line.value)
  }
}
