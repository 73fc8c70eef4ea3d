import { X509Certificate } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { status, type Client } from '@grpc/grpc-js'
import { backoffMs, type Backoff } from '../../src/core/backoff.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import { identityOfPeer, spiffeId, type Credentials, type Identity } from '../../src/core/identity.ts'
import { FEATURE_SCHEMA, type Window } from '../../src/core/window/window.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { CredentialSource } from '../../src/ports/identity.ts'
import { addressToBytes } from '../../src/wire/address.ts'
import type { StepClocks } from '../../src/wire/encode-windows.ts'
import { HelloSchema, type Hello } from '../../src/wire/gen/ingest_pb.ts'
import type { OwnRestrictionCount } from '../../src/wire/restriction-counts.ts'
import { connect } from '../../src/wire/tls.ts'
import { wait } from '../../src/wire/wait.ts'
import { Outbox, type SourceCounts } from './outbox.ts'
import { UplinkStream, type StreamEnd } from './uplink-stream.ts'

/** Who reports, and what sees the traffic. */
export interface Reporter {
  /** Null: the one in the certificate, whichever that is at the time of connecting. */
  readonly identity: Identity | null
  readonly source: string
  readonly version: string
  /** The pod's own addresses as text; none for a replay. */
  readonly ownAddresses: readonly string[]
  readonly simulated: boolean
}

export type UplinkEvent =
  | { readonly type: 'connected' }
  /** `details` are the detector's own words, or the network's. */
  | { readonly type: 'disconnected', readonly code: string, readonly details: string, readonly retryMs: number }

export interface UplinkOptions {
  /** `HOST:PORT` of the detector. */
  readonly detector: string
  /** The newest at each connection. */
  readonly credentials: CredentialSource
  /** Who the detector must be; without it, its certificate must carry the name or address in `detector`. */
  readonly server?: Identity
  readonly reporter: Reporter
  /** 16 random bytes, drawn once a process. */
  readonly bootId: Uint8Array
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly onEvent?: (event: UplinkEvent) => void
  /** Windows that may wait for the detector; the oldest goes. */
  readonly maxWindows?: number
  readonly backoff?: Backoff
  /** How long a stop may take to get across what is left. */
  readonly drainMs?: number
}

const DEFAULTS = { maxWindows: 65_536, backoff: { baseMs: 100, maxMs: 10_000 }, drainMs: 5_000 } as const

/** Brings windows to a detector, over as many connections as it takes. */
export class Uplink {
  readonly #options: UplinkOptions & Required<Pick<UplinkOptions, keyof typeof DEFAULTS>>
  readonly #hello: Omit<Hello, 'identity'>
  readonly #outbox: Outbox
  #source: string
  #connected = false
  #acknowledgedMs: number | null = null
  #stream: UplinkStream | null = null
  #progress = Promise.withResolvers<undefined>()

  /** Throws a RangeError where an own address is none. */
  constructor (options: UplinkOptions) {
    this.#options = { ...DEFAULTS, ...options }
    this.#hello = helloOf(options.reporter, options.bootId)
    this.#outbox = new Outbox(this.#options.maxWindows)
    this.#source = options.reporter.source
  }

  /** Windows that were dropped because they waited too long. */
  get dropped (): number {
    return this.#outbox.dropped
  }

  /** Counts of restrictions that were dropped for the same reason. */
  get droppedRestrictions (): number {
    return this.#outbox.droppedRestrictions
  }

  /** `acknowledgedMs`: Unix ms at which the detector last acknowledged something; null before. */
  get state (): { readonly connected: boolean, readonly acknowledgedMs: number | null, readonly waiting: number } {
    return { connected: this.#connected, acknowledgedMs: this.#acknowledgedMs, waiting: this.#outbox.size }
  }

  /** Another source sees the traffic from now on. The detector learns it on a stream of its own, after all that the earlier one saw. */
  watchesWith (source: string): void {
    if (source === this.#source) return
    this.#source = source
    this.#stream?.finish()
  }

  /** Windows that have closed, and how far each step has got. Never blocks; what there is no room for is dropped, oldest first. */
  push (windows: readonly Window[], clocks: StepClocks): void {
    this.#outbox.add(windows, clocks)
    this.#stream?.pump()
  }

  /** What the source has counted so far; `forgedSent` since the last call. Goes with the next batch. */
  count (counts: SourceCounts, forgedSent: number): void {
    this.#outbox.count(counts, forgedSent)
  }

  /** What the pod's proxy did with the attempts of restricted sources, since the last call. Never blocks; what there is no room for is dropped, oldest first. */
  restricted (counts: readonly OwnRestrictionCount[]): void {
    this.#outbox.restricted(counts)
    this.#stream?.pump()
  }

  /** Resolves when fewer than `windows` are on their way, or the signal aborts: a recording waits where a live source must drop. */
  async below (windows: number, signal: AbortSignal): Promise<void> {
    const look = () => this.#moved()
    signal.addEventListener('abort', look)
    while (this.#outbox.size >= windows && !signal.aborted) await this.#progress.promise
    signal.removeEventListener('abort', look)
  }

  /** Whoever waits for room looks again. */
  #moved (): void {
    this.#progress.resolve(undefined)
    this.#progress = Promise.withResolvers()
  }

  /**
   * Keeps a stream open until the signal aborts, and reconnects after any failure; then gets across what is left, for
   * at most `drainMs`, and resolves.
   */
  async run (signal: AbortSignal): Promise<void> {
    const { drainMs, backoff, random, onEvent } = this.#options
    const giveUp = new AbortController()
    let deadline: NodeJS.Timeout | undefined
    const stop = () => {
      deadline = setTimeout(() => giveUp.abort(), drainMs)
      this.#stream?.finish()
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    try {
      for (let attempt = 0; !giveUp.signal.aborted; attempt++) {
        const end = await this.#connect(signal, giveUp.signal)
        if (signal.aborted && this.#outbox.size === 0) return
        if (end.welcomed) attempt = 0
        const retryMs = backoffMs(attempt, random(), backoff)
        onEvent?.({ type: 'disconnected', code: status[end.code], details: end.details, retryMs })
        await this.#pause(retryMs, giveUp.signal)
      }
    } finally {
      clearTimeout(deadline)
      signal.removeEventListener('abort', stop)
    }
  }

  /** New credentials are a reason to try at once. */
  async #pause (ms: number, giveUp: AbortSignal): Promise<void> {
    const changed = new AbortController()
    const following = this.#options.credentials.onChange(() => changed.abort())
    await wait(ms, AbortSignal.any([giveUp, changed.signal]))
    following[Symbol.dispose]()
  }

  /** One stream, from its beginning to its end. */
  async #connect (signal: AbortSignal, giveUp: AbortSignal): Promise<StreamEnd> {
    const { clock, onEvent } = this.#options
    const ready = this.#ready()
    if (ready instanceof AutoshieldError) return { code: status.UNAVAILABLE, details: ready.message, welcomed: false }
    const { client, hello } = ready
    const stream = new UplinkStream({
      client,
      clock,
      hello,
      outbox: this.#outbox,
      onWelcome: () => {
        this.#connected = true
        onEvent?.({ type: 'connected' })
      },
      onProgress: () => {
        this.#acknowledgedMs = clock.now()
        this.#moved()
      },
    })
    const cancel = () => stream.cancel()
    giveUp.addEventListener('abort', cancel)
    this.#stream = stream
    if (signal.aborted) stream.finish()
    try {
      return await stream.ended
    } finally {
      this.#stream = null
      this.#connected = false
      giveUp.removeEventListener('abort', cancel)
      client.close()
    }
  }

  /** An error while there are no credentials yet, or none that name anybody. */
  #ready (): { readonly client: Client, readonly hello: Hello } | AutoshieldError {
    const { detector, credentials, server, reporter } = this.#options
    try {
      const current = credentials.current()
      const identity = spiffeId(reporter.identity ?? identityIn(current))
      return { client: connect(detector, current, server === undefined ? {} : { server }), hello: { ...this.#hello, identity, source: this.#source } }
    } catch (error) {
      return AutoshieldError.from(error)
    }
  }
}

/** Throws BAD_DATA where the certificate names no workload. */
function identityIn ({ certificate }: Credentials): Identity {
  const { subjectAltName: subjectaltname } = new X509Certificate(certificate)
  const identity = identityOfPeer({ subjectaltname })
  if (identity === null) throw new AutoshieldError('BAD_DATA', 'the certificate names no pod.')
  return identity
}

function helloOf ({ source, version, ownAddresses, simulated }: Reporter, bootId: Uint8Array): Omit<Hello, 'identity'> {
  return create(HelloSchema, {
    featureSchema: FEATURE_SCHEMA,
    bootId: Uint8Array.from(bootId),
    source,
    version,
    ownAddresses: ownAddresses.map((address) => {
      const bytes = addressToBytes(address)
      if (bytes === null) throw new RangeError(`'${address}' among the own addresses is no IP address`)
      return Uint8Array.from(bytes)
    }),
    simulated,
  })
}
