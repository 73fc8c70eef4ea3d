import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { AutoshieldError } from '../../core/errors.ts'
import { fromTransport, type Answer } from './foreign-error.ts'

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly contentType?: string
  /** It does no harm to do it twice, so it may be sent again where a kept connection had died. */
  readonly repeatable?: boolean
}

/** A page of 500 pods takes 10 MB where they are large. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
/** Enough for every watch of a process and its requests at once. */
const MAX_CONNECTIONS = 64
/** Finds a peer that went away without a word; client-go's value. */
const KEEP_ALIVE_MS = 30_000

/**
 * HTTP to one API server. The library finds credentials and trust anew for each request, so tokens, plugins and CA
 * files may change at any time; the connections are ours, because the library's agents keep none and never forget a key.
 */
export class Transport implements Disposable {
  readonly server: string
  readonly #config: KubeConfig
  readonly #url: URL
  readonly #timeoutMs: number
  readonly #agent: HttpAgent | null

  /** Throws USAGE where the address is none. */
  constructor (config: KubeConfig, timeoutMs: number) {
    const cluster = config.getCurrentCluster()
    this.server = cluster?.server ?? ''
    const url = URL.parse(this.server)
    if (url === null) throw new AutoshieldError('USAGE', `The kubeconfig gives "${this.server}" as the address of its cluster, which is no URL: correct its "server".`)
    this.#url = url
    this.#config = config
    this.#timeoutMs = timeoutMs
    const options = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, maxSockets: MAX_CONNECTIONS }
    // Through a proxy only the library's agent knows the way.
    this.#agent = cluster?.proxyUrl === undefined ? url.protocol === 'http:' ? new HttpAgent(options) : new HttpsAgent(options) : null
  }

  /** The whole answer, whatever its status. Throws UNAVAILABLE or UNTRUSTED where none came in time. */
  async send (call: Call): Promise<Answer> {
    const signal = AbortSignal.timeout(this.#timeoutMs)
    try {
      const response = await this.#request(call, signal, call.repeatable ?? false)
      return { status: response.statusCode ?? 0, text: await textOf(response, this.server) }
    } catch (error) {
      throw fromTransport(signal.aborted ? signal.reason : error, this.server)
    }
  }

  /** An answer that goes on until the signal aborts; the caller destroys it. Throws as `send` does. */
  async open (call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    try {
      return await this.#request(call, signal, true)
    } catch (error) {
      throw fromTransport(signal.aborted ? signal.reason : error, this.server)
    }
  }

  [Symbol.dispose] (): void {
    this.#agent?.destroy()
  }

  async #request (call: Call, signal: AbortSignal, again: boolean): Promise<IncomingMessage> {
    const body = call.body === undefined ? undefined : JSON.stringify(call.body)
    const options = await unlessAborted(this.#optionsOf(call, body, signal), signal)
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const request = (this.#url.protocol === 'http:' ? httpRequest : httpsRequest)(options, resolve)
    request.on('error', reject)
    request.end(body)
    try {
      return await promise
    } catch (error) {
      // The server closed a kept connection while we wrote to it (Node's documents, "request.reusedSocket").
      if (again && request.reusedSocket && !signal.aborted) return this.#request(call, signal, false)
      throw error
    }
  }

  async #optionsOf ({ method, path, query, contentType }: Call, body: string | undefined, signal: AbortSignal): Promise<RequestOptions> {
    const search = new URLSearchParams(query).toString()
    const options: RequestOptions = {
      method,
      hostname: this.#url.hostname.replace(/^\[|\]$/g, ''),
      port: this.#url.port === '' ? (this.#url.protocol === 'http:' ? 80 : 443) : this.#url.port,
      path: `${this.#url.pathname.replace(/\/$/, '')}${path}${search === '' ? '' : `?${search}`}`,
      headers: {
        accept: 'application/json',
        'user-agent': 'autoshield',
        ...(body !== undefined && { 'content-type': contentType ?? 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
    }
    await this.#config.applyToHTTPSOptions(options)
    if (this.#agent !== null) options.agent = this.#agent
    return { ...options, signal }
  }
}

async function textOf (response: IncomingMessage, server: string): Promise<string> {
  response.setEncoding('utf8')
  const parts: string[] = []
  let length = 0
  for await (const part of response as AsyncIterable<string>) {
    length += part.length
    if (length > MAX_ANSWER_BYTES) throw new AutoshieldError('BAD_DATA', `${server} answered with more than ${MAX_ANSWER_BYTES} bytes: narrow the request.`)
    parts.push(part)
  }
  return parts.join('')
}

/** A credential plugin has no time-out of its own. */
async function unlessAborted<T> (work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = () => reject(new Error('aborted'))
  signal.addEventListener('abort', stop, { once: true })
  try {
    signal.throwIfAborted()
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
