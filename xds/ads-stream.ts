import type { ServerDuplexStream } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import type { Identity } from '../src/core/identity.ts'
import { TokenBucket } from '../src/core/token-bucket.ts'
import type { Malformed } from '../src/wire/method.ts'
import type { Client } from './calls.ts'
import { fromMetadata, type SaidClientAddress } from './client-address.ts'
import type { Connection } from './connections.ts'
import type { AnyRequest, Protocol } from './protocol.ts'
import { refuse, statusOf, type Refusal } from './refusal.ts'
import { Session, type Standing, type TypedState } from './session.ts'
import type { Snapshot } from './snapshot.ts'
import type { SnapshotSource, Subscriber } from './snapshot-source.ts'
import type { Subscription } from './subscription.ts'

/** A client that asks for more names than any proxy of ours could need is not served. */
const MAX_NAMES = 10_000

/** Requests that answer nothing we sent: a start takes about ten, a change of what is asked for one. What comes faster waits. */
const UNASKED = { perSecond: 50, seconds: 10 }
const PAUSE_MS = 100

/** A stream, as the server keeps it. */
export interface Stream extends Client {
  readonly connection: Connection
  readonly podUid: string
  /** Ends it in good order; the client connects elsewhere or again. */
  readonly end: () => void
  readonly refuse: (refusal: Refusal) => void
}

export interface AdsStreamOptions {
  readonly source: SnapshotSource
  readonly connection: Connection
  readonly identity: Identity
  readonly log: Logger
  readonly listener: StreamListener
}

/** Told of what becomes of a stream. */
export interface StreamListener {
  /** A response with something in it was sent: whoever asks anew for what it has already is answered with nothing. */
  readonly pushed: () => void
  /** Once, before the client is told. */
  readonly refused: (refusal: Refusal) => void
  /** Called once. */
  readonly ended: () => void
}

const isMalformed = (request: AnyRequest | Malformed): request is Malformed => !('typeUrl' in request)

/** One proxy's stream over gRPC: requests in, the session's responses out, no faster than the client reads. */
export class AdsStream<Request extends AnyRequest, S extends Subscription> implements Subscriber, Stream {
  readonly #protocol: Protocol<Request, S>
  readonly #call: ServerDuplexStream<Request | Malformed, Buffer>
  readonly #session: Session<S>
  readonly #options: AdsStreamOptions
  readonly #unasked = new TokenBucket({ ...UNASKED, nowMs: performance.now() })
  /** The source's side of the stream; disposed, nothing is read or written any more. */
  readonly #attached = new DisposableStack()
  #clientAddress: SaidClientAddress | null = null
  /** A response is on its way out: the client has not made room for it yet. */
  #writing = false

  constructor (protocol: Protocol<Request, S>, call: ServerDuplexStream<Request | Malformed, Buffer>, options: AdsStreamOptions) {
    this.#protocol = protocol
    this.#call = call
    this.#options = options
    this.#session = new Session(protocol.open, options.source.current(options.identity.uid))
  }

  get connection (): Connection {
    return this.#options.connection
  }

  get identity (): Identity {
    return this.#options.identity
  }

  get podUid (): string {
    return this.#options.identity.uid
  }

  /** Serves until the client goes, is refused, or `end` is called. */
  serve (): void {
    this.#attached.use(this.#options.source.connect(this.podUid, this))
    this.#attached.defer(this.#options.listener.ended)
    this.#call.on('data', (request: Request | Malformed) => {
      const refusal = this.#receive(request)
      if (refusal !== null) this.refuse(refusal)
    })
    this.#call.on('end', () => this.end())
    for (const event of ['cancelled', 'error', 'close']) this.#call.on(event, () => this.#attached.dispose())
  }

  end (): void {
    this.#attached.dispose()
    this.#call.end()
  }

  refuse (refusal: Refusal): void {
    if (this.#attached.disposed) return
    this.#options.listener.refused(refusal)
    this.#attached.dispose()
    this.#call.emit('error', statusOf(refusal))
  }

  update (snapshot: Snapshot): void {
    this.#session.update(snapshot)
    this.#pump()
  }

  standing (): Standing {
    return this.#session.standing()
  }

  clientAddress (): SaidClientAddress | null {
    return this.#clientAddress
  }

  resources (): readonly TypedState[] {
    return this.#session.states()
  }

  #receive (request: Request | Malformed): Refusal | null {
    if (this.#attached.disposed) return null
    if (isMalformed(request)) return refuse('Malformed')
    const subscription = this.#session.subscription(request.typeUrl)
    if (subscription === null) return refuse('UnknownType', `'${request.typeUrl.slice(0, 200)}'`)
    if (request.node !== undefined) this.#clientAddress = fromMetadata(request.node.metadata)
    const answer = this.#protocol.receive(subscription, request)
    if (this.#session.size > MAX_NAMES) return refuse('TooManyNames', `more than ${MAX_NAMES}`)
    if (answer === 'nack') this.#options.log.warn({ pod: this.podUid, type: request.typeUrl, words: this.standing().message }, 'proxy rejected its configuration')
    if (answer === null || answer === 'stale') this.#slowDown()
    this.#pump()
    this.#options.source.answered(this.podUid)
    return null
  }

  /** Not read, a client that floods fills its own window and then waits: it costs a request every tenth of a second. */
  #slowDown (): void {
    if (this.#unasked.take(1, performance.now())) return
    this.#call.pause()
    setTimeout(() => this.#call.resume(), PAUSE_MS)
  }

  /** A response is made when the client can take it, never queued: what it gets then is the newest. */
  #pump (): void {
    if (this.#writing || this.#attached.disposed) return
    const next = this.#session.next()
    if (next === null) return
    this.#writing = true
    this.#call.write(this.#protocol.respond(next), () => {
      this.#writing = false
      this.#pump()
    })
    if (next.offer.resources.length + next.offer.removed.length > 0) this.#options.listener.pushed()
  }
}
