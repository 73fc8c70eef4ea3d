import { setTimeout } from 'node:timers/promises'
import { Server, type sendUnaryData } from '@grpc/grpc-js'
import { AutoshieldError } from '../core/errors.ts'
import type { Comparison } from '../core/model/comparison.ts'
import type { ModelStanding } from '../core/model/standing.ts'
import { spiffeId, type Identity } from '../core/identity.ts'
import type { Clock } from '../ports/clock.ts'
import type { CredentialSource } from '../ports/identity.ts'
import type { Scorer } from '../ports/scorer.ts'
import type { DetectorStats } from '../ports/scores.ts'
import { Ingest } from '../wire/gen/ingest_pb.ts'
import { Scores, type ExplainResponse, type ReportersResponse, type SourceAccountResponse } from '../wire/gen/scores_pb.ts'
import { serverMethod } from '../wire/method.ts'
import { FLOW_CONTROL_WINDOW_BYTES, serverTls } from '../wire/tls.ts'
import { wait } from '../wire/wait.ts'
import { Boots } from './boots.ts'
import { IngestStream, type IngestContext, type ObserveCall } from './ingest-stream.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { ModelSeat } from './model-seat.ts'
import { callerOf, NO_IDENTITY } from './peer.ts'
import { refusal, statusOf, type Refusal } from './refusal.ts'
import { Refused } from './refused.ts'
import type { ScopeOf } from './reporter-scope.ts'
import { ScoreCalls, type ExplainCall, type ReportersCall, type SourceAccountCall } from './score-calls.ts'
import { ScoringLoop } from './scoring-loop.ts'
import { SourceAccounts } from './source-accounts.ts'
import { Tally } from './tally.ts'
import { Traffic } from './traffic.ts'
import { Watchers, type WatchCall } from './watchers.ts'
import { WindowCounter } from './window-counter.ts'

export interface DetectorOptions {
  /** The first of its model's classes is no attack. Stays the caller's to dispose, as do those of `promote` and `setShadow`. */
  readonly scorer: Scorer
  /** New connections get the newest. */
  readonly credentials: CredentialSource
  /** `HOST:PORT`; port 0 takes a free one. */
  readonly listen: string
  /** Told the address that was bound, `HOST:PORT`, once the detector serves. */
  readonly onListening?: (address: string) => void
  readonly scopeOf: ScopeOf
  /** Whether an identity may follow the scores. */
  readonly mayWatch: (identity: Identity) => boolean
  readonly clock: Clock
  readonly limits?: Partial<Limits>
  /** Told of each failure of the scorer; the windows that it should have scored count as dropped. */
  readonly onFailure?: (error: AutoshieldError) => void
}

const SERVER_OPTIONS = {
  'grpc.max_receive_message_length': 1 << 20,
  'grpc.max_concurrent_streams': 64, // on one connection
  'grpc.keepalive_time_ms': 30_000, // a watcher that vanished is let go
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES,
} as const
/** How long a stop waits for what is under way. */
const STOP_MS = 2_000
const COUNTS_EVERY_MS = 1_000
/** Of windows by namespace. */
const SECONDS_A_COUNT = 15

/**
 * Takes windows from observers, scores them, and hands the scores to controllers. It keeps nothing that an observer
 * cannot send again: killed at any moment, it is rebuilt by the streams that come back.
 */
export class Detector {
  readonly #options: DetectorOptions
  readonly #tally = new Tally()
  readonly #refused = new Refused()
  readonly #traffic = new Traffic()
  readonly #counter = new WindowCounter()
  readonly #watchers: Watchers
  readonly #seat: ModelSeat
  readonly #scoring: ScoringLoop
  readonly #ingest: IngestContext
  readonly #streams = new Set<IngestStream>()

  constructor (options: DetectorOptions) {
    const { scorer, clock, scopeOf } = options
    const limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#options = options
    this.#watchers = new Watchers({ model: scorer.model, maxQueued: limits.maxQueuedEvents, holdMs: limits.holdMs, clock })
    this.#seat = new ModelSeat({ scorer, clock, onModel: (model) => this.#watchers.setModel(model) })
    this.#scoring = new ScoringLoop({
      seat: this.#seat,
      maxKeys: limits.maxKeys,
      publish: (rows) => {
        this.#tally.tensors += rows.length
        this.#counter.add(rows)
        this.#watchers.publish(rows)
      },
      failed: (rows, error) => {
        this.#tally.failed += rows
        options.onFailure?.(AutoshieldError.from(error))
      },
      permit: () => this.#watchers.permit(),
      rested: () => this.#readOn(),
    })
    this.#ingest = {
      limits,
      clock,
      scopeOf,
      boots: new Boots(2 * limits.maxObservers),
      scoring: this.#scoring,
      tally: this.#tally,
      refused: this.#refused,
      paused: new Set(),
      onRestrictions: (podUid, counts) => this.#watchers.restricted(counts.map((count) => ({ podUid, ...count }))),
      onFlows: (sightings) => this.#watchers.saw(sightings),
      onWindows: (windows) => this.#traffic.add(windows, clock.now()),
    }
  }

  stats (): DetectorStats {
    return this.#tally.stats({ keys: this.#scoring.keys, dropped: this.#watchers.lost + this.#traffic.dropped, refused: this.#refused.counts }, this.#options.clock.now())
  }

  /** Scores with another model from the next round on. Resolves with the one of before, which nothing uses any more. */
  async promote (scorer: Scorer): Promise<Scorer> {
    return this.#seat.promote(scorer)
  }

  /** Lets a candidate score beside the model, or none. Resolves when nothing uses the one before any more. */
  async setShadow (scorer: Scorer | null): Promise<void> {
    await this.#seat.setShadow(scorer)
  }

  /** What model and candidate said of the same windows; null where there is no candidate. */
  comparison (): Comparison | null {
    return this.#seat.comparison()
  }

  /** Tells those who follow the scores, now and later, which models are used and which are refused. */
  tellModels (standing: ModelStanding): void {
    this.#watchers.tellModels(standing)
  }

  /** Tells those who follow the scores, now and later, how the candidate compares. */
  tellComparison (comparison: Comparison): void {
    this.#watchers.tellComparison(comparison)
  }

  /** Changes what is wanted of observers, and tells those that are connected. */
  configure (wanted: Partial<Pick<Limits, 'maxBatchWindows' | 'maxWindowsPerSecond' | 'silenceMs' | 'stepsMs'>>): void {
    this.#ingest.limits = { ...this.#ingest.limits, ...wanted }
    for (const stream of this.#streams) stream.configure()
  }

  /** SPIFFE IDs of the observers that are connected now. */
  reporters (): ReadonlySet<string> {
    return new Set([...this.#streams].filter(({ open }) => open).map(({ identity }) => spiffeId(identity)))
  }

  /**
   * Serves until the signal aborts; then scores what was taken in, if somebody follows, ends every stream with UNAVAILABLE, and resolves.
   * Rejects with UNAVAILABLE where the address cannot be bound.
   */
  async run (signal: AbortSignal): Promise<void> {
    const server = this.#server()
    try {
      this.#options.onListening?.(await bind(server, this.#options))
      await this.#tellCounts(signal)
      if (this.#watchers.size > 0) await Promise.race([this.#scoring.idle(), setTimeout(STOP_MS, undefined, { ref: false })])
      await this.#stop(server)
    } finally {
      server.forceShutdown()
    }
  }

  #server (): Server {
    const server = new Server(SERVER_OPTIONS)
    const { mayWatch, clock } = this.#options
    const accounts = new SourceAccounts({ streams: () => this.#streams, scoring: this.#scoring, limits: this.#ingest.limits, clock })
    const calls = new ScoreCalls({ scorer: () => this.#seat.scorer, mayWatch, watchers: this.#watchers, limits: this.#ingest.limits, refused: this.#refused, clock, reporters: () => this.reporters(), accounts })
    server.addService({ observe: serverMethod(Ingest.method.observe) }, { observe: (call: ObserveCall) => this.#observe(call) })
    server.addService(
      { watch: serverMethod(Scores.method.watch), explain: serverMethod(Scores.method.explain), sourceAccount: serverMethod(Scores.method.sourceAccount), reporters: serverMethod(Scores.method.reporters) },
      {
        watch: (call: WatchCall) => calls.watch(call),
        explain: (call: ExplainCall, reply: sendUnaryData<ExplainResponse>) => calls.explain(call, reply),
        sourceAccount: (call: SourceAccountCall, reply: sendUnaryData<SourceAccountResponse>) => calls.sourceAccount(call, reply),
        reporters: (call: ReportersCall, reply: sendUnaryData<ReportersResponse>) => calls.reporters(call, reply),
      }
    )
    return server
  }

  #observe (call: ObserveCall): void {
    const peer = this.#admit(call)
    if (peer === null) return
    const stream: IngestStream = new IngestStream(call, peer, this.#ingest, () => this.#streams.delete(stream))
    this.#streams.add(stream)
  }

  /** Who calls; null, and the call is ended, where that is nobody or has too many streams already. */
  #admit (call: ObserveCall): Identity | null {
    const caller = callerOf(call)
    const refused = caller.identity === null ? NO_IDENTITY : this.#checkStreams(caller.identity)
    if (refused === null) return caller.identity
    this.#refused.add(refused, caller, this.#options.clock.now())
    call.emit('error', statusOf(refused))
    return null
  }

  #checkStreams (peer: Identity): Refusal | null {
    const { maxStreamsPerIdentity } = this.#ingest.limits
    const id = spiffeId(peer)
    let open = 0
    for (const { identity } of this.#streams) if (spiffeId(identity) === id) open++
    return open < maxStreamsPerIdentity ? null : refusal('TooMuch', `${id} has ${open} streams already; end one first`)
  }

  /** Lets the streams that were not read send again, when half of the room is free. */
  #readOn (): void {
    const { paused } = this.#ingest
    if (paused.size === 0 || this.#scoring.waiting > this.#ingest.limits.maxQueuedWindows / 2) return
    for (const stream of paused) stream.resume()
    paused.clear()
  }

  /** Tells those who follow, whether or not there was traffic. Resolves when the signal aborts. */
  async #tellCounts (signal: AbortSignal): Promise<void> {
    for (let second = 1; await wait(COUNTS_EVERY_MS, signal); second++) {
      if (this.#watchers.size === 0) continue
      if (second % SECONDS_A_COUNT === 0) this.#tellWindows()
      const [picture, stats] = [this.#traffic.picture(), this.stats()]
      this.#watchers.tell(picture === null ? { case: 'stats', value: stats } : { case: 'traffic', value: { atMs: picture.atMs, edges: picture.edges.map((edge) => ({ ...edge })), stats } })
      const refusals = this.#refused.take(this.#options.clock.now())
      if (refusals.length > 0) this.#watchers.tell({ case: 'refusals', value: { refusals: refusals.map(({ identity, ...refusal }) => ({ ...refusal, identity: identity ?? '' })) } })
    }
  }

  #tellWindows (): void {
    const namespaces = this.#counter.take()
    if (namespaces.length > 0) this.#watchers.tell({ case: 'counts', value: { namespaces: namespaces.map(({ namespace, windows, buckets }) => ({ namespace, windows, buckets: [...buckets] })) } })
  }

  async #stop (server: Server): Promise<void> {
    const stopping = refusal('Stopping', 'this detector is shutting down; connect again')
    for (const stream of this.#streams) stream.refuse(stopping)
    this.#scoring.stop()
    this.#watchers.end(statusOf(stopping))
    const { promise, resolve } = Promise.withResolvers<undefined>()
    server.tryShutdown(() => resolve(undefined))
    await Promise.race([promise, setTimeout(STOP_MS, undefined, { ref: false })])
  }
}

async function bind (server: Server, { listen, credentials }: DetectorOptions): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  server.bindAsync(listen, serverTls(credentials), (error, port) => {
    if (error === null) resolve(`${listen.slice(0, listen.lastIndexOf(':'))}:${port}`)
    else reject(new AutoshieldError('UNAVAILABLE', `the detector cannot listen on ${listen} (${error.message}); choose another address.`, { cause: error }))
  })
  return promise
}
