import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'

const ANSWER_MS = 2_000
/** Envoy needs 0.4 s to print 2,000 filter chains. */
const DUMP_MS = 10_000
/** A list of a hundred listeners has 30 KB. */
const MAX_ANSWER_CHARS = 2 ** 20
/** 500 B a denial (Envoy 1.40): more than the heap that an Envoy is given holds. */
const MAX_DUMP_CHARS = 2 ** 25

/** The text of an answer, or why there is none. */
export type Answer = { readonly ok: true, readonly text: string } | { readonly ok: false, readonly why: string }

/** What is asked of Envoy's admin interface, which is a Unix socket of its group alone. Each resolves to null where it does not answer, unless it says otherwise. */
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

  /** Another text whenever a listener was changed, or another Envoy is there, which makes its socket anew. */
  async listenersVersion (): Promise<string | null> {
    const socket = await stat(this.#socketPath).catch(() => null)
    const text = await this.#get('/stats?filter=^listener_manager%5C.(lds%5C.version|lds%5C.update_success|listener_create_success|listener_in_place_updated)$')
    return socket === null || text === null ? null : `${socket.ctimeMs} ${text}`
  }

  /** The dynamic listeners in use, without those that warm or drain, as JSON (envoy.admin.v3.ListenersConfigDump). */
  async listeners (): Promise<Answer> {
    return this.#ask('/config_dump?resource=dynamic_listeners&mask=active_state', DUMP_MS, MAX_DUMP_CHARS)
  }

  async #get (path: string): Promise<string | null> {
    const answer = await this.#ask(path, ANSWER_MS, MAX_ANSWER_CHARS)
    return answer.ok ? answer.text : null
  }

  async #ask (path: string, withinMs: number, maxChars: number): Promise<Answer> {
    const call = request({ socketPath: this.#socketPath, path, signal: AbortSignal.timeout(withinMs), agent: false })
    try {
      call.end()
      const [response] = await once(call, 'response') as [IncomingMessage]
      let text = ''
      for await (const part of response.setEncoding('utf8') as AsyncIterable<string>) {
        text += part
        if (text.length > maxChars) return { ok: false, why: `Envoy's answer is longer than ${maxChars} characters` }
      }
      return response.statusCode === 200 ? { ok: true, text } : { ok: false, why: `Envoy answers ${response.statusCode ?? 0}: ${text.slice(0, 200)}` }
    } catch (error) {
      return { ok: false, why: error instanceof Error ? error.message : String(error) } // not there yet, or no more
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
