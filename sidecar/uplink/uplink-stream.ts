import { create } from '@bufbuild/protobuf'
import type { Client, ClientDuplexStream, StatusObject, status } from '@grpc/grpc-js'
import { TokenBucket } from '../../src/core/token-bucket.ts'
import type { Clock } from '../../src/ports/clock.ts'
import { Ingest, ObserverMessageSchema, type Ack, type Config, type DetectorMessage, type Hello, type ObserverMessage, type Welcome } from '../../src/wire/gen/ingest_pb.ts'
import { methodOf } from '../../src/wire/method.ts'
import { encodeBatch } from './encode-batch.ts'
import type { Outbox } from './outbox.ts'

/** How a stream ended: why, in gRPC's words, and whether the detector had welcomed us. */
export interface StreamEnd {
  readonly code: status
  readonly details: string
  readonly welcomed: boolean
}

interface Open {
  readonly phase: 'open'
  readonly config: Config
  readonly steps: ReadonlySet<number>
  readonly rate: TokenBucket
  credits: number
  acknowledged: number
  /** Last batch that was written to this stream. */
  sent: number
}
type State = { readonly phase: 'hello' } | Open | { readonly phase: 'ended' }

/** A detector that takes the call and says nothing is given up after this. */
const WELCOME_MS = 10_000
/** The mean that the detector's rate limit is taken over; half of it is used, for clocks differ. */
const RATE_SECONDS = 5

export interface UplinkStreamOptions {
  readonly client: Client
  readonly hello: Hello
  readonly outbox: Outbox
  readonly clock: Clock
  readonly onWelcome: () => void
  /** Something was acknowledged. */
  readonly onProgress: () => void
}

/** One stream to a detector: hello, then batches as the credits and the rate allow, until it ends. */
export class UplinkStream {
  readonly ended: Promise<StreamEnd>
  readonly #call: ClientDuplexStream<ObserverMessage, DetectorMessage>
  readonly #options: UplinkStreamOptions
  #state: State = { phase: 'hello' }
  #heartbeat: NodeJS.Timeout | undefined
  #pause: NodeJS.Timeout | undefined
  #closing = false

  /** Calls at once. */
  constructor (options: UplinkStreamOptions) {
    this.#options = options
    const { path, requestSerialize, responseDeserialize } = methodOf(Ingest.method.observe)
    this.#call = options.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
    const { promise, resolve } = Promise.withResolvers<StreamEnd>()
    this.ended = promise
    this.#call.on('data', (message: DetectorMessage) => this.#receive(message))
    this.#call.on('error', () => undefined) // grpc-js says the same again as a status
    this.#call.on('status', ({ code, details }: StatusObject) => {
      const welcomed = this.#state.phase === 'open'
      this.#state = { phase: 'ended' }
      clearTimeout(this.#heartbeat)
      clearTimeout(this.#pause)
      resolve({ code, details, welcomed })
    })
    this.#heartbeat = setTimeout(() => this.#call.cancel(), WELCOME_MS)
    this.#call.write(create(ObserverMessageSchema, { message: { case: 'hello', value: options.hello } }))
  }

  /** Sends what may be sent now. */
  pump (): void {
    const state = this.#state
    if (state.phase !== 'open') return
    const { outbox } = this.#options
    for (const batch of outbox.unacknowledged) {
      if (batch.sequence <= state.sent) continue
      if (!this.#room(state, batch.windows.length + batch.restrictions.length)) return
      this.#write(state, batch)
    }
    while (outbox.pending && this.#room(state, outbox.next(state.config.maxBatchWindows))) {
      this.#write(state, outbox.take(state.config.maxBatchWindows, state.steps))
    }
    if (this.#closing && !outbox.pending && outbox.unacknowledged.length === 0) this.#call.end()
  }

  /** Ends the call as soon as everything is acknowledged, with the last counts. */
  finish (): void {
    this.#closing = true
    this.#beat()
    this.pump()
  }

  /** Ends the call now. */
  cancel (): void {
    this.#call.cancel()
  }

  #receive ({ message }: DetectorMessage): void {
    switch (message.case) {
      case 'welcome':
        this.#welcome(message.value)
        break
      case 'ack':
        if (this.#state.phase === 'open') this.#acknowledge(message.value, this.#state)
        break
      case 'config':
        if (this.#state.phase === 'open') this.#state = { ...this.#state, ...this.#configured(message.value) }
        break
      case 'tellBy':
        this.#options.outbox.tellBy(message.value.atMs)
        break
      case undefined:
        break // a message of a newer version
    }
    this.pump()
  }

  #welcome ({ config, ack, resend }: Welcome): void {
    const { outbox } = this.#options
    if (config === undefined || ack === undefined || this.#state.phase !== 'hello') {
      this.#call.cancel()
      return
    }
    const acknowledged = Number(ack.sequence)
    if (resend) outbox.startAnew(config.maxBatchWindows)
    else outbox.acknowledge(acknowledged)
    this.#state = { phase: 'open', ...this.#configured(config), credits: ack.credits, acknowledged, sent: 0 }
    this.#options.onWelcome()
    this.#options.onProgress()
  }

  #configured (config: Config): Pick<Open, 'config' | 'steps' | 'rate'> {
    clearTimeout(this.#heartbeat)
    this.#heartbeat = setTimeout(() => this.#beat(), config.silenceMs / 2)
    const rate = new TokenBucket({ perSecond: config.maxWindowsPerSecond, seconds: RATE_SECONDS, nowMs: this.#options.clock.now() })
    return { config, steps: new Set(config.stepsMs), rate }
  }

  #acknowledge ({ sequence, credits }: Ack, state: Open): void {
    state.acknowledged = Number(sequence)
    state.credits = credits
    this.#options.outbox.acknowledge(state.acknowledged)
    this.#options.onProgress()
  }

  /** Whether a batch may go out now; where the rate alone forbids it, `pump` is called again when it may. */
  #room (state: Open, units: number): boolean {
    if (this.#options.outbox.unacknowledged.filter(({ sequence }) => sequence <= state.sent).length >= state.credits) return false
    const now = this.#options.clock.now()
    const waitMs = state.rate.waitMs(units, now)
    if (waitMs > 0) {
      clearTimeout(this.#pause)
      this.#pause = setTimeout(() => this.pump(), Math.ceil(Math.min(waitMs, 60_000)))
      return false
    }
    return state.rate.take(units, now)
  }

  #write (state: Open, batch: ReturnType<Outbox['take']>): void {
    state.sent = batch.sequence
    this.#heartbeat?.refresh()
    this.#call.write(encodeBatch(batch))
  }

  /** Sends a batch, be it empty: nothing was sent for half of the silence that is allowed, or this is the end. */
  #beat (): void {
    const state = this.#state
    if (state.phase !== 'open') return
    const { outbox } = this.#options
    if (this.#room(state, outbox.next(state.config.maxBatchWindows))) this.#write(state, outbox.take(state.config.maxBatchWindows, state.steps))
    else this.#heartbeat?.refresh()
  }
}
