import { status, type ServerDuplexStream } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import type { Malformed } from '../src/wire/method.ts'
import type { AnyRequest, Protocol } from './protocol.ts'
import { Session, type Standing } from './session.ts'
import type { Snapshot } from './snapshot.ts'
import type { SnapshotSource, Subscriber } from './snapshot-source.ts'
import type { Subscription } from './subscription.ts'

/** A client that asks for more names than any proxy of ours could need is not served. */
const MAX_NAMES = 10_000

/** How a stream ended that we ended; a client's own end has none. */
export interface Refusal {
  readonly code: status
  readonly details: string
}

/** Told of what becomes of a stream. */
export interface StreamListener {
  /** A response was sent. */
  readonly pushed: () => void
  /** Called once. */
  readonly ended: () => void
}

const isMalformed = (request: AnyRequest | Malformed): request is Malformed => !('typeUrl' in request)

/** One proxy's stream over gRPC: requests in, the session's responses out, no faster than the client reads. */
export class AdsStream<Request extends AnyRequest, S extends Subscription> implements Subscriber {
  readonly #protocol: Protocol<Request, S>
  readonly #call: ServerDuplexStream<Request | Malformed, Buffer>
  readonly #session: Session<S>
  readonly #source: SnapshotSource
  readonly #podUid: string
  readonly #log: Logger
  /** The source's side of the stream; disposed, nothing is read or written any more. */
  readonly #connection = new DisposableStack()
  #blocked = false
  #listener: StreamListener | null = null

  constructor (protocol: Protocol<Request, S>, call: ServerDuplexStream<Request | Malformed, Buffer>, source: SnapshotSource, podUid: string, log: Logger) {
    this.#protocol = protocol
    this.#call = call
    this.#source = source
    this.#podUid = podUid
    this.#log = log
    this.#session = new Session(protocol.open, source.current(podUid))
  }

  /** Serves until the client goes, is refused, or `end` is called. */
  serve (listener: StreamListener): void {
    this.#listener = listener
    this.#connection.use(this.#source.connect(this.#podUid, this))
    this.#connection.defer(listener.ended)
    this.#call.on('data', (request: Request | Malformed) => {
      const refusal = this.#receive(request)
      if (refusal !== null) {
        this.#log.warn({ pod: this.#podUid, ...refusal }, 'proxy refused')
        this.#call.emit('error', refusal)
      }
    })
    this.#call.on('drain', () => {
      this.#blocked = false
      this.#pump()
    })
    this.#call.on('end', () => this.end())
    for (const event of ['cancelled', 'error', 'close']) this.#call.on(event, () => this.#connection.dispose())
  }

  /** Ends the stream in good order; the client connects elsewhere or again. */
  end (): void {
    this.#connection.dispose()
    this.#call.end()
  }

  update (snapshot: Snapshot): void {
    this.#session.update(snapshot)
    this.#pump()
  }

  standing (): Standing {
    return this.#session.standing()
  }

  #receive (request: Request | Malformed): Refusal | null {
    if (this.#connection.disposed) return null
    if (isMalformed(request)) return { code: status.INVALID_ARGUMENT, details: 'the request is not a discovery request' }
    const subscription = this.#session.subscription(request.typeUrl)
    if (subscription === null) return { code: status.INVALID_ARGUMENT, details: `'${request.typeUrl}' is not a type that is served here` }
    const answer = this.#protocol.receive(subscription, request)
    if (this.#session.size > MAX_NAMES) return { code: status.RESOURCE_EXHAUSTED, details: `more than ${MAX_NAMES} names asked for` }
    if (answer === 'nack') this.#log.warn({ pod: this.#podUid, type: request.typeUrl, words: this.standing().message }, 'proxy rejected its configuration')
    this.#pump()
    this.#source.answered(this.#podUid)
    return null
  }

  /** A response is made when the client can take it, never queued: what it gets then is the newest. */
  #pump (): void {
    while (!this.#blocked && !this.#connection.disposed) {
      const next = this.#session.next()
      if (next === null) return
      this.#blocked = !this.#call.write(this.#protocol.respond(next))
      this.#listener?.pushed()
    }
  }
}
