import { Agent, request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { PeerCertificate } from 'node:tls'
import { AutoshieldError } from '../../src/core/errors.ts'
import { identityOfPeer, spiffeId, type Identity } from '../../src/core/identity.ts'
import type { CredentialSource } from '../../src/ports/identity.ts'

export interface ControllerClientOptions {
  /** `HOST:PORT` of the controller. */
  readonly controller: string
  readonly credentials: CredentialSource
  /** Who must answer there: names and addresses of a Service move, this does not. */
  readonly expected: Identity
}

export interface Answer {
  readonly status: number
  readonly body: string
}

const MAX_ANSWER_BYTES = 64 << 10

/** Posts JSON to the controller over one kept connection, proves itself, and makes sure who answers. */
export class ControllerClient implements Disposable {
  readonly #options: ControllerClientOptions
  readonly #host: string
  readonly #port: number
  readonly #renewals: Disposable
  #agent: Agent | null = null

  constructor (options: ControllerClientOptions) {
    const colon = options.controller.lastIndexOf(':')
    this.#options = options
    this.#host = options.controller.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
    this.#port = Number(options.controller.slice(colon + 1))
    this.#renewals = options.credentials.onChange(() => this.#close()) // the next call connects with what is new
  }

  /** Throws UNAVAILABLE where nobody answers, there are no credentials yet, or somebody else answers. */
  async post (path: string, body: string, signal: AbortSignal): Promise<Answer> {
    const { controller } = this.#options
    const answered = Promise.withResolvers<Answer>()
    const call = request({
      agent: this.#connection(),
      host: this.#host,
      port: this.#port,
      method: 'POST',
      path,
      signal,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    }, (response) => { read(response).then(answered.resolve, answered.reject) })
    call.on('error', answered.reject)
    call.end(body)
    try {
      return await answered.promise
    } catch (cause) {
      throw new AutoshieldError('UNAVAILABLE', `the controller at ${controller} does not answer: ${AutoshieldError.from(cause).message}`, { cause })
    }
  }

  [Symbol.dispose] (): void {
    this.#renewals[Symbol.dispose]()
    this.#close()
  }

  #connection (): Agent {
    const { certificate, key, authorities } = this.#options.credentials.current()
    this.#agent ??= new Agent({
      keepAlive: true,
      maxSockets: 1,
      minVersion: 'TLSv1.3',
      cert: certificate,
      key,
      ca: authorities,
      checkServerIdentity: (_name, peer) => this.#check(peer),
    })
    return this.#agent
  }

  #check (peer: PeerCertificate): Error | undefined {
    const [found, expected] = [identityOfPeer(peer), this.#options.expected]
    if (found !== null && spiffeId(found) === spiffeId(expected)) return undefined
    return new Error(`${found === null ? 'somebody without an identity' : spiffeId(found)} answers there, and not ${spiffeId(expected)}`)
  }

  #close (): void {
    this.#agent?.destroy()
    this.#agent = null
  }
}

async function read (response: IncomingMessage): Promise<Answer> {
  let body = ''
  response.setEncoding('utf8')
  for await (const chunk of response) {
    body += String(chunk)
    if (body.length > MAX_ANSWER_BYTES) throw new AutoshieldError('BAD_DATA', 'the answer is longer than any that the controller gives')
  }
  return { status: response.statusCode ?? 0, body }
}
