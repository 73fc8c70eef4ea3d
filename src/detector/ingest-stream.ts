import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { ServerDuplexStream } from '@grpc/grpc-js'
import type { Identity } from '../core/identity.ts'
import { sightingsOf, type FlowSighting } from '../core/history/sighting.ts'
import type { TokenBucket } from '../core/token-bucket.ts'
import type { Window } from '../core/window/window.ts'
import type { Clock } from '../ports/clock.ts'
import { DetectorMessageSchema, type Batch, type DetectorMessage, type Hello, type ObserverMessage } from '../wire/gen/ingest_pb.ts'
import type { Malformed } from '../wire/method.ts'
import type { OwnRestrictionCount } from '../wire/restriction-counts.ts'
import { configFor, rateFor } from './allowance.ts'
import type { Boot, Boots } from './boots.ts'
import { checkBatch } from './check-batch.ts'
import { checkHello } from './check-hello.ts'
import type { Coverage } from './coverage.ts'
import type { Limits } from './limits.ts'
import { callerOf, expiryOf } from './peer.ts'
import { refusal, statusOf, type Refusal } from './refusal.ts'
import type { Refused } from './refused.ts'
import { witnessIn, type ReporterScope, type ScopeOf } from './reporter-scope.ts'
import type { ScoringLoop } from './scoring-loop.ts'
import { fromSource, type Tally } from './tally.ts'

export type ObserveCall = ServerDuplexStream<ObserverMessage | Malformed, DetectorMessage>

/** Silence is counted in parts: one that this process slept through itself is not taken for the observer's. */
const SILENCE_PARTS = 4
type Said = NonNullable<MessageInitShape<typeof DetectorMessageSchema>['message']>

const EXPIRED = refusal('Expired', 'the certificate that this stream began with has expired; connect again with a newer one')

/** What the streams of one detector share. */
export interface IngestContext {
  /** Replaced as a whole when the configuration changes. */
  limits: Limits
  readonly clock: Clock
  readonly scopeOf: ScopeOf
  readonly boots: Boots
  readonly scoring: ScoringLoop
  readonly tally: Tally
  readonly refused: Refused
  /** Windows that were taken in and are new. */
  readonly onWindows: (windows: readonly Window[]) => void
  /** What a pod's proxy did with attempts, told once the windows that came with it are scored. */
  readonly onRestrictions: (podUid: string, counts: readonly OwnRestrictionCount[]) => void
  /** What pairs did in a minute, told once the windows that say so are scored. */
  readonly onFlows: (sightings: readonly FlowSighting[]) => void
  /** Streams that are not read until less waits to be scored. */
  readonly paused: Set<IngestStream>
}

interface Open {
  readonly phase: 'open'
  readonly scope: ReporterScope
  readonly reporter: string
  readonly lane: string
  readonly simulated: boolean
  readonly boot: Boot
  rate: TokenBucket
  sources: ReturnType<typeof fromSource> | null
}

type State =
  | { readonly phase: 'hello', readonly identity: Identity }
  | Open
  /** The observer has said all, and waits for its last acknowledgement. */
  | { readonly phase: 'finishing', readonly boot: Boot }
  | { readonly phase: 'ended' }

/** One observer's stream, from hello to its end. */
export class IngestStream {
  readonly identity: Identity
  readonly #call: ObserveCall
  readonly #context: IngestContext
  readonly #silence: NodeJS.Timeout
  readonly #onEnd: () => void
  #state: State
  #ackDue = false
  /** Parts of the silence that is allowed in which nothing came. */
  #quiet = 0

  /** Serves the call at once. `onEnd` is called once, when the stream is over. */
  constructor (call: ObserveCall, identity: Identity, context: IngestContext, onEnd: () => void) {
    this.identity = identity
    this.#call = call
    this.#context = context
    this.#onEnd = onEnd
    this.#state = { phase: 'hello', identity }
    const { silenceMs } = context.limits
    const expiresMs = expiryOf(call)
    this.#silence = setInterval(() => {
      if (context.clock.now() >= expiresMs) this.refuse(EXPIRED)
      else if (++this.#quiet === SILENCE_PARTS) this.refuse(refusal('Silent', `nothing came for ${silenceMs} ms; send an empty batch at half of that time`))
    }, silenceMs / SILENCE_PARTS)
    call.on('data', (message: ObserverMessage | Malformed) => {
      const refused = this.#receive(message)
      if (refused !== null) this.refuse(refused)
    })
    call.on('end', () => {
      if (this.#state.phase === 'hello') this.refuse(refusal('Malformed', 'the stream ended before hello'))
      if (this.#state.phase !== 'open') return
      const { boot } = this.#state
      this.#leave(boot)
      this.#state = { phase: 'finishing', boot }
      this.#finish(boot)
    })
    call.on('cancelled', () => this.#close())
    call.on('close', () => this.#close())
  }

  /** Whether the observer was welcomed and has not ended. */
  get open (): boolean {
    return this.#state.phase === 'open'
  }

  /** How far it has told; null where it is not open, or what it tells is simulated. */
  get coverage (): Coverage | null {
    return this.#state.phase === 'open' && !this.#state.simulated ? this.#state.boot.coverage : null
  }

  /** Has the observer tell of all that ends by then (Unix ms), though nothing may have happened. */
  tellBy (atMs: number): void {
    if (this.#state.phase === 'open') this.#send({ case: 'tellBy', value: { atMs } })
  }

  /** Ends the stream with a status. */
  refuse (refused: Refusal): void {
    if (this.#state.phase === 'ended') return
    this.#context.refused.add(refused, callerOf(this.#call), this.#context.clock.now())
    this.#close()
    this.#call.emit('error', statusOf(refused))
  }

  /** Tells the observer what is wanted now, after the limits have changed. */
  configure (): void {
    if (this.#state.phase !== 'open') return
    const { scope } = this.#state
    const { limits, clock } = this.#context
    this.#state.rate = rateFor(scope, limits, clock.now())
    this.#send({ case: 'config', value: configFor(scope, limits) })
  }

  /** Reads on, after `pause`. */
  resume (): void {
    this.#call.resume()
  }

  #receive (message: ObserverMessage | Malformed): Refusal | null {
    this.#quiet = 0
    if (message.$typeName === 'malformed') return refusal('Malformed', 'the message is no ObserverMessage of autoshield.wire.v1')
    const { message: content } = message
    switch (this.#state.phase) {
      case 'hello':
        return content.case === 'hello' ? this.#open(content.value, this.#state.identity) : refusal('Malformed', 'the first message of a stream must be hello')
      case 'open':
        return content.case === 'batch' ? this.#take(content.value, this.#state) : refusal('Malformed', 'after hello a stream carries batches only')
      case 'finishing':
      case 'ended':
        return null
    }
  }

  #open (hello: Hello, identity: Identity): Refusal | null {
    const { boots, limits, tally, clock } = this.#context
    const scope = this.#context.scopeOf(identity)
    const refused = checkHello(hello, identity, scope)
    if (refused !== null || scope === null) return refused
    if (tally.observers >= limits.maxObservers) return refusal('Full', `this detector serves ${limits.maxObservers} observers already; try another`)
    const boot = boots.open(hello.identity, hello.bootId, hello.source, clock.now())
    boot.replace?.()
    boot.replace = () => this.refuse(refusal('Replaced', 'a newer stream of the same boot took over'))
    tally.observers++
    const replay = scope.kind === 'replay'
    this.#state = {
      phase: 'open',
      scope,
      reporter: hello.identity,
      lane: replay ? `${hello.identity} ${Buffer.from(hello.bootId).toString('hex')}` : hello.identity,
      simulated: replay || hello.simulated,
      boot,
      rate: rateFor(scope, limits, clock.now()),
      sources: null,
    }
    this.#send({
      case: 'welcome',
      value: {
        config: configFor(scope, limits),
        ack: { sequence: BigInt(boot.scored), credits: limits.credits },
        resend: boot.accepted === null,
      },
    })
    return null
  }

  #take (batch: Batch, open: Open): Refusal | null {
    const { limits, scoring, tally, clock, onRestrictions, onFlows } = this.#context
    const sequence = Number(batch.sequence)
    if (!Number.isSafeInteger(sequence) || sequence < 1) return refusal('Malformed', `${batch.sequence} is no sequence number; they start at 1`)
    const { boot } = open
    if (boot.accepted !== null && sequence <= boot.accepted) {
      this.#acknowledge(boot)
      return null
    }
    if (boot.accepted !== null && sequence > boot.accepted + 1) return refusal('Gap', `batch ${sequence} came after ${boot.accepted}; reconnect, and go on from the acknowledgement in welcome`)
    if (boot.accepted !== null && sequence - boot.scored > limits.credits) return refusal('TooMuch', `more than ${limits.credits} batches are under way; wait for acknowledgements`)
    const checked = checkBatch(batch, open, limits, clock.now())
    if (!checked.ok) return checked.refusal
    const { windows, restrictions } = checked
    if (boot.accepted === null) boot.scored = sequence - 1
    boot.accepted = sequence
    this.#count(batch, open, windows)
    const sightings = batch.resent ? [] : sightingsOf(windows, open.scope.kind === 'replay' ? '' : this.identity.uid, witnessIn(open.scope))
    scoring.add({
      reporter: open.reporter,
      lane: open.lane,
      replay: open.scope.kind === 'replay',
      simulated: open.simulated,
      windows,
      receivedAtMs: clock.now(),
      resent: batch.resent,
      counts: restrictions.length,
      settled: () => {
        boot.scored = sequence
        boot.coverage.take(batch, windows, limits.maxBatchWindows, clock.now())
        if (restrictions.length > 0) onRestrictions(this.identity.uid, restrictions)
        if (sightings.length > 0) onFlows(sightings)
        this.#acknowledge(boot)
      },
    })
    if (scoring.waiting > limits.maxQueuedWindows) {
      this.#call.pause()
      this.#context.paused.add(this)
    }
    tally.windows += windows.length
    return null
  }

  #count (batch: Batch, open: Open, windows: readonly Window[]): void {
    const { tally, onWindows } = this.#context
    tally.forged(open.simulated ? null : this.identity.uid, Number(batch.forgedSent), this.#context.clock.now())
    if (batch.stats !== undefined) {
      const now = fromSource(batch.stats)
      // What an older boot counted before it came here was counted elsewhere.
      const before = open.sources ?? (batch.sequence === 1n ? { packets: 0, flows: 0, malformed: 0, dropped: 0 } : now)
      tally.advance(before, now)
      open.sources = now
    }
    if (!batch.resent) onWindows(windows)
  }

  /** One message for all batches that a round has settled. */
  #acknowledge (boot: Boot): void {
    if (this.#ackDue) return
    this.#ackDue = true
    queueMicrotask(() => {
      this.#ackDue = false
      if (this.#state.phase !== 'open' && this.#state.phase !== 'finishing') return
      this.#send({ case: 'ack', value: { sequence: BigInt(boot.scored), credits: this.#context.limits.credits } })
      if (this.#state.phase === 'finishing') this.#finish(boot)
    })
  }

  #send (message: Said): void {
    this.#call.write(create(DetectorMessageSchema, { message }))
  }

  /** Ends the call with OK as soon as everything that was taken in is scored. */
  #finish (boot: Boot): void {
    if (boot.accepted !== null && boot.scored < boot.accepted) return
    this.#close()
    this.#call.end()
  }

  #close (): void {
    if (this.#state.phase === 'ended') return
    clearInterval(this.#silence)
    if (this.#state.phase === 'open') this.#leave(this.#state.boot)
    this.#state = { phase: 'ended' }
    this.#context.paused.delete(this)
    this.#onEnd()
  }

  #leave (boot: Boot): void {
    this.#context.tally.observers--
    boot.replace = null
  }
}
