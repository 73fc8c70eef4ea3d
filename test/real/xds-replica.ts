import { once } from 'node:events'
import { type AddressInfo, connect as dial, createServer } from 'node:net'
import type { Test } from 'tap'
import type { ServerDirectory } from '../../src/adapters/bus/follow-servers.ts'
import { Running } from '../program.ts'
import { freePort } from '../xds/laboratory.ts'

/** An `autoshield xds` of its own, which can be killed and started again where it was. */
export class Replica {
  readonly address: string
  readonly #arguments: readonly string[]
  #running: Running

  private constructor (port: number, args: readonly string[]) {
    this.address = `127.0.0.1:${port}`
    this.#arguments = ['xds', '--listen', this.address, '--metrics', '127.0.0.1:0', ...args]
    this.#running = Running.start(this.#arguments)
  }

  static async start (t: Test, args: readonly string[]): Promise<Replica> {
    const replica = new Replica(await freePort(), args)
    t.teardown(async () => replica.#running[Symbol.asyncDispose]())
    return replica
  }

  async serving (): Promise<void> {
    await this.#running.saying(/xDS server listening/)
  }

  /** `kill -9`, or another signal; resolves to its exit status. */
  async end (signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    this.#running.kill(signal)
    const [status] = await this.#running.ended
    return status
  }

  restart (): void {
    this.#running = Running.start(this.#arguments)
  }

  async metric (name: string): Promise<number> {
    const [, port] = await this.#running.saying(/"port":(\d+),"msg":"metrics are served"/)
    const body = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text()
    const [, value] = new RegExp(`^${name} (\\S+)$`, 'm').exec(body) ?? []
    if (value === undefined) throw new Error(`there is no ${name} in\n${body}`)
    return Number(value)
  }
}

/** One address for all replicas, as their Service is one; it hands each connection to the next that listens. */
export async function service (t: Test, replicas: readonly Replica[]): Promise<number> {
  let turn = 0
  const server = createServer((near) => {
    near.on('error', () => near.destroy())
    const pass = (left: number): void => {
      const replica = replicas[turn++ % replicas.length]
      if (replica === undefined || left === 0) {
        near.destroy()
        return
      }
      const far = dial({ host: '127.0.0.1', port: Number(replica.address.split(':')[1]) })
      far.once('error', () => pass(left - 1))
      far.once('connect', () => {
        far.removeAllListeners('error').on('error', () => near.destroy()).on('close', () => near.destroy())
        near.on('close', () => far.destroy())
        near.pipe(far).pipe(near)
      })
    }
    pass(replicas.length)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

export const directory = (replicas: readonly Replica[]): ServerDirectory => ({ list: () => replicas.map(({ address }) => address), onChange: () => ({ [Symbol.dispose]: () => undefined }) })
