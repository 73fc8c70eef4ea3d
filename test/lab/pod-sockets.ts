import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Server, Socket } from 'node:net'
import type { Pod } from './pod.ts'

export interface SocketOrder {
  readonly id: number
  readonly kind: 'connect' | 'listen'
  readonly host: string
  readonly port: number
  /** The address to connect from; undefined leaves it to the kernel. */
  readonly from: string | undefined
}

export interface SocketReport {
  readonly id: number
  readonly error: string | null
}

/** Resolves when the connection is over, however it ends, to the time (`performance.now()`). */
export const over = (socket: Socket): Promise<number> => new Promise((resolve) => { socket.once('close', () => resolve(performance.now())) })

const PROCESS = join(import.meta.dirname, 'clients', 'open-sockets-process.ts')

/**
 * Sockets of a pod's network in this process: a process there opens them and hands them over, so a test speaks any protocol from
 * any of the pod's addresses with nothing in between.
 */
export class PodSockets implements AsyncDisposable {
  readonly #opener: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<Socket | Server>>()
  readonly #handed = new Set<Socket | Server>()
  #orders = 0

  constructor (pod: Pod) {
    this.#opener = spawn('setpriv', ['--pdeathsig', 'KILL', 'nsenter', `--net=/proc/${pod.pid}/ns/net`, process.execPath, PROCESS], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#opener.on('message', ({ id, error }: SocketReport, handle) => {
      const answer = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error !== null) answer?.reject(new Error(error))
      else answer?.resolve(handle as Socket | Server)
    })
    this.#opener.on('exit', () => { for (const { reject } of this.#waiting.values()) reject(new Error('the process that opens sockets has ended')) })
  }

  /** An open connection. Rejects in the kernel's words where there is none. */
  async connect (host: string, port: number, from?: string): Promise<Socket> {
    const socket = await this.#order({ kind: 'connect', host, port, from }) as Socket
    socket.on('error', () => undefined) // its close is what counts
    return socket
  }

  /** Listens there; 'connection' gives what comes. */
  async listen (port: number, host = '0.0.0.0'): Promise<Server> {
    return await this.#order({ kind: 'listen', host, port, from: undefined }) as Server
  }

  async #order (order: Omit<SocketOrder, 'id'>): Promise<Socket | Server> {
    const [id, answer] = [this.#orders++, Promise.withResolvers<Socket | Server>()]
    this.#waiting.set(id, answer)
    this.#opener.send({ id, ...order } satisfies SocketOrder)
    const handed = await answer.promise
    this.#handed.add(handed)
    handed.once('close', () => this.#handed.delete(handed))
    return handed
  }

  /** Closes all that it opened. */
  async [Symbol.asyncDispose] (): Promise<void> {
    for (const each of this.#handed) if ('destroy' in each) each.destroy(); else each.close()
    if (this.#opener.exitCode !== null) return
    const gone = once(this.#opener, 'exit')
    this.#opener.disconnect()
    await gone
  }
}
