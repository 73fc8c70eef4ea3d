import { create } from '@bufbuild/protobuf'
import { status, type Client, type ClientReadableStream, type MethodDefinition } from '@grpc/grpc-js'
import { backoffMs, type Backoff } from '../../core/backoff.ts'
import { AutoshieldError } from '../../core/errors.ts'
import type { Credentials, Identity } from '../../core/identity.ts'
import type { Score } from '../../core/verdict/score.ts'
import type { SourceAccount } from '../../core/verdict/source-account.ts'
import type { CredentialSource } from '../../ports/identity.ts'
import type { ModelInfo } from '../../ports/scorer.ts'
import type { Reporters, ScoreEvent, ScoreSource, SourceAccounts, SourceQuestion } from '../../ports/scores.ts'
import { ExplainRequestSchema, ReportersRequestSchema, Scores, SourceAccountRequestSchema, WatchRequestSchema, type WatchEvent } from '../../wire/gen/scores_pb.ts'
import { decodeAccount } from '../../wire/account.ts'
import { addressToBytes } from '../../wire/address.ts'
import { methodOf } from '../../wire/method.ts'
import { encodeScores } from '../../wire/scores.ts'
import { connect } from '../../wire/tls.ts'
import { wait } from '../../wire/wait.ts'
import { readWatchEvent } from './read-watch-event.ts'
import { fromGrpc } from './foreign-error.ts'

export interface GrpcScoreSourceOptions {
  /** `HOST:PORT` of the detector. */
  readonly detector: string
  /** The newest at each connection. */
  readonly credentials: CredentialSource
  /** Who the detector must be; without it, its certificate must carry the name or address in `detector`. */
  readonly server?: Identity
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly backoff?: Backoff
  /** Told why a stream ended, before it is opened again. */
  readonly onDisconnect?: (error: AutoshieldError) => void
}

/** A connection, whose it is, and how many calls are under way on it. */
interface Line {
  readonly credentials: Credentials
  readonly client: Client
  calls: number
}

const BACKOFF: Backoff = { baseMs: 100, maxMs: 5_000 }
const ANSWER_MS = 5_000

/** Asked anew each time: to the compiler a flag that was false stays false. */
const isLive = (signal: AbortSignal): boolean => !signal.aborted

/** The scores of a detector in another process. */
export class GrpcScoreSource implements ScoreSource, Reporters, SourceAccounts, Disposable {
  /** Events that were lost because they were read too slowly, over all streams. */
  lost = 0
  readonly #options: GrpcScoreSourceOptions
  /** The connection of single calls; made when it is first used, and anew for new credentials and where the detector was away. */
  #line: Line | null = null

  constructor (options: GrpcScoreSourceOptions) {
    this.#options = options
  }

  async * watch (interest: { readonly floor: number, readonly everyKey: boolean }, signal: AbortSignal): AsyncGenerator<ScoreEvent, void, undefined> {
    const { random, backoff = BACKOFF, onDisconnect } = this.#options
    for (let attempt = 0; isLive(signal); attempt++) {
      try {
        for await (const event of this.#stream(interest, signal)) {
          if (event.type === 'synced') attempt = 0
          yield event
        }
      } catch (error) {
        const lost = fromGrpc(error, `the detector at ${this.#options.detector}`)
        if (isLive(signal)) onDisconnect?.(lost)
      }
      await wait(backoffMs(attempt, random(), backoff), signal)
    }
  }

  async explain (score: Score, className: string, usual: readonly number[]): ReturnType<ScoreSource['explain']> {
    const request = create(ExplainRequestSchema, { score: encodeScores([score]), className, usual: [...usual] })
    const account = decodeAccount(await this.#ask(methodOf(Scores.method.explain), request))
    if (account === null) throw new AutoshieldError('BAD_DATA', `the detector at ${this.#options.detector} explains a score by no feature; run the same version of both`)
    return account
  }

  async sourceAccount ({ reporter, source, destinations, stepMs, throughMs }: SourceQuestion): Promise<SourceAccount | null> {
    const request = create(SourceAccountRequestSchema, { reporter, source: addressBytes(source), destinations: destinations.map(addressBytes), stepMs, throughMs })
    const { account } = await this.#ask(methodOf(Scores.method.sourceAccount), request)
    if (account === undefined) return null
    const { number, flows, proved, ...told } = account
    if (flows.length !== number.length || proved.length !== number.length) throw new AutoshieldError('BAD_DATA', `the detector at ${this.#options.detector} contradicts itself: an account of ${number.length} windows has columns of ${flows.length} and ${proved.length}; run the same version of both`)
    return { source: told.source, sinceMs: told.sinceMs, toldMs: told.toldMs, lostMs: told.lostMs, oldest: told.oldest, windows: number.map((number, row) => ({ number, flows: flows[row] ?? 0, proved: proved[row] ?? 0 })) }
  }

  async reporters (): Promise<ReadonlySet<string>> {
    const { identities } = await this.#ask(methodOf(Scores.method.reporters), create(ReportersRequestSchema))
    return new Set(identities)
  }

  /** Closes the connection of single calls; streams end by their own signal. */
  [Symbol.dispose] (): void {
    this.#line?.client.close()
    this.#line = null
  }

  async #ask<Request, Response> ({ path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>, request: Request): Promise<Response> {
    const { promise, resolve, reject } = Promise.withResolvers<Response>()
    const line = this.#newestLine()
    line.calls++
    line.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline: Date.now() + ANSWER_MS }, (error, response) => {
      line.calls--
      // grpc-js would let up to two minutes pass before it tried the same connection again.
      if (error?.code === status.UNAVAILABLE && line === this.#line) this.#line = null
      if (line !== this.#line && line.calls === 0) line.client.close()
      if (error !== null) reject(fromGrpc(error, `the detector at ${this.#options.detector}`))
      else if (response === undefined) reject(new AutoshieldError('INTERNAL', `the detector at ${this.#options.detector} answered nothing`))
      else resolve(response)
    })
    return promise
  }

  /** Calls that are under way keep the connection that they began on. */
  #newestLine (): Line {
    const credentials = this.#options.credentials.current()
    if (this.#line?.credentials === credentials) return this.#line
    if (this.#line?.calls === 0) this.#line.client.close()
    this.#line = { credentials, client: this.#connect(credentials), calls: 0 }
    return this.#line
  }

  #connect (credentials: Credentials): Client {
    const { detector, server } = this.#options
    return connect(detector, credentials, server === undefined ? {} : { server })
  }

  /** One stream, until it ends: by throwing, or by returning where the signal aborted. */
  async * #stream (interest: { readonly floor: number, readonly everyKey: boolean }, signal: AbortSignal): AsyncGenerator<ScoreEvent, void, undefined> {
    const client = this.#connect(this.#options.credentials.current())
    const { path, requestSerialize, responseDeserialize } = methodOf(Scores.method.watch)
    const call: ClientReadableStream<WatchEvent> = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, create(WatchRequestSchema, interest))
    const cancel = () => call.cancel()
    signal.addEventListener('abort', cancel)
    try {
      let model: ModelInfo | null = null
      let lost = 0
      for await (const message of call as AsyncIterable<WatchEvent>) {
        this.lost += Number(message.lost) - lost
        lost = Number(message.lost)
        const event = readWatchEvent(message, model)
        if (event?.type === 'problem') throw new AutoshieldError('BAD_DATA', `the detector at ${this.#options.detector} contradicts itself: ${event.problem}; run the same version of both`)
        if (event?.type === 'synced') model = event.model
        if (event !== null) yield event
      }
      throw new AutoshieldError('UNAVAILABLE', `the detector at ${this.#options.detector} ended the stream`)
    } finally {
      signal.removeEventListener('abort', cancel)
      call.cancel()
      client.close()
    }
  }
}

/** Throws RangeError where an address is none. */
function addressBytes (address: string): Uint8Array<ArrayBuffer> {
  const bytes = addressToBytes(address)
  if (bytes === null) throw new RangeError(`'${address}' is no IP address`)
  return Uint8Array.from(bytes)
}
