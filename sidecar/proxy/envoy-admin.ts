import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'

const ANSWER_MS = 2_000
/** A list of a hundred listeners has 30 KB. */
const MAX_ANSWER_BYTES = 1_048_576

/** What is asked of Envoy's admin interface, which is a Unix socket of its group alone. Each resolves to null where it does not answer. */
export class EnvoyAdmin {
  readonly #socketPath: string

  constructor (socketPath: string) {
    this.#socketPath = socketPath
  }

  /** Ports of the listeners that are in use. */
  async listeningPorts (): Promise<ReadonlySet<number> | null> {
    const text = await this.#get('/listeners')
    return text === null ? null : new Set([...text.matchAll(/::(?:\S*):(\d+)$/gm)].map(([, port]) => Number(port)))
  }

  /** Connections that clients hold open, the admin interface's own left out. */
  async connections (): Promise<number | null> {
    const text = await this.#get('/stats?filter=^listener%5C..*downstream_cx_active$')
    if (text === null) return null
    return [...text.matchAll(/^listener\.(?!admin\.)(?!.*\.worker_\d+\.).*: (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0)
  }

  /** Another text whenever a listener was changed. */
  async listenersVersion (): Promise<string | null> {
    return this.#get('/stats?filter=^listener_manager%5C.(lds%5C.version|lds%5C.update_success|listener_create_success|listener_in_place_updated)$')
  }

  /** The dynamic listeners in use, as JSON (envoy.admin.v3.ListenersConfigDump). */
  async listeners (): Promise<string | null> {
    return this.#get('/config_dump?resource=dynamic_listeners')
  }

  async #get (path: string): Promise<string | null> {
    const call = request({ socketPath: this.#socketPath, path, signal: AbortSignal.timeout(ANSWER_MS), agent: false })
    try {
      call.end()
      const [response] = await once(call, 'response') as [IncomingMessage]
      let text = ''
      for await (const part of response.setEncoding('utf8') as AsyncIterable<string>) {
        text += part
        if (text.length > MAX_ANSWER_BYTES) return null
      }
      return response.statusCode === 200 ? text : null
    } catch {
      return null // not there yet, or no more: what the callers ask for
    } finally {
      call.destroy()
    }
  }
}

/** Whether somebody takes connections there: a listener that Envoy lists may need a moment until its workers have it. */
export async function accepts (port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host: '127.0.0.1', port, timeout: ANSWER_MS }, () => resolve(true))
  socket.on('error', () => resolve(false)).on('timeout', () => resolve(false))
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}
