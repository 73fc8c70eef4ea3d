import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Webhook } from './metrics.ts'
import { BEGINNING_BYTES, uidAtBeginning } from './read-review.ts'

/** One call from its head to its answer. */
export class HeldReview {
  readonly webhook: Webhook
  readonly arrivedMs: number
  readonly deadlineMs: number
  /** Of the caller. */
  readonly address: string
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #answered = false

  constructor (webhook: Webhook, request: IncomingMessage, response: ServerResponse, { arrivedMs, deadlineMs }: { arrivedMs: number, deadlineMs: number }) {
    this.webhook = webhook
    this.#request = request
    this.#response = response
    this.arrivedMs = arrivedMs
    this.deadlineMs = deadlineMs
    this.address = request.socket.remoteAddress ?? ''
  }

  /** Of the body so far. */
  get bytes (): number { return this.#bytes }
  /** Answered, or the caller is gone. */
  get over (): boolean { return this.#answered || this.#response.destroyed }
  /** What the head says; NaN where it says nothing. */
  get announcedBytes (): number { return Number(this.#request.headers['content-length']) }

  add (chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
  }

  body (): string {
    const [only] = this.#chunks
    return only !== undefined && this.#chunks.length === 1 ? only.toString('utf8') : Buffer.concat(this.#chunks).toString('utf8')
  }

  /** The review's uid, as far as the beginning of the body tells it. */
  uid (): string | null {
    const beginning = Buffer.concat(this.#chunks.slice(0, BEGINNING_BYTES), Math.min(this.#bytes, BEGINNING_BYTES))
    return uidAtBeginning(beginning.toString('latin1'))
  }

  /** What still comes of the body is thrown away, and with `close` the connection, too. */
  answer (status: number, body: string, close: boolean): void {
    if (this.over) return
    this.#answered = true
    this.#chunks.length = 0
    this.#response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...close ? { connection: 'close' } : {},
    }).end(body)
  }
}
