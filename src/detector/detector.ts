import { setTimeout } from 'node:timers/promises'
import { Server, type sendUnaryData } from '@grpc/grpc-js'
import { AutoshieldError } from '../core/errors.ts'
import type { Credentials, Identity } from '../core/identity.ts'
import type { Clock, DetectorStats, Scorer } from '../ports.ts'
import { Ingest } from '../wire/gen/ingest_pb.ts'
import { Scores, type ExplainResponse } from '../wire/gen/scores_pb.ts'
import { serverMethod } from '../wire/method.ts'
import { serverTls } from '../wire/tls.ts'
import { wait } from '../wire/wait.ts'
import { Boots } from './boots.ts'
import { IngestStream, type IngestContext, type ObserveCall } from './ingest-stream.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { peerOf } from './peer.ts'
import { refusal, statusOf, type RefusalReason } from './refusal.ts'
import type { ScopeOf } from './reporter-scope.ts'
import { ScoreCalls, type ExplainCall } from './score-calls.ts'
import { ScoringLoop } from './scoring-loop.ts'
import { Tally } from './tally.ts'
import { Traffic } from './traffic.ts'
import { Watchers, type WatchCall } from './watchers.ts'

export interface DetectorOptions {
  readonly scorer: Scorer
  readonly credentials: Credentials
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

const MAX_MESSAGE_BYTES = 1 << 20
/** How long a stop waits for what is under way. */
const STOP_MS = 2_000
const TRAFFIC_EVERY_MS = 1_000

/**
 * Takes windows from observers, scores them, and hands the scores to controllers. It keeps nothing that an observer
 * cannot send again: killed at any moment, it is rebuilt by the streams that come back.
 */
export class Detector {
  readonly #options: DetectorOptions
  readonly #limits: Limits
  readonly #tally = new Tally()
  readonly #traffic = new Traffic()
  readonly #watchers: Watchers
  readonly #scoring: ScoringLoop
  readonly #ingest: IngestContext
  readonly #streams = new Set<IngestStream>()

  constructor (options: DetectorOptions) {
    const { scorer, clock, scopeOf } = options
    const limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#options = options
    this.#limits = limits
    this.#watchers = new Watchers({ model: scorer.model, maxQueued: limits.maxQueuedEvents })
    this.#scoring = new ScoringLoop({
      scorer,
      maxKeys: limits.maxKeys,
      publish: (rows) => {
        this.#tally.tensors += rows.length
        this.#watchers.publish(rows)
      },
      failed: (rows, error) => {
        this.#tally.failed += rows
        options.onFailure?.(AutoshieldError.from(error))
      },
      rested: () => this.#readOn(),
    })
    this.#ingest = {
      limits,
      clock,
      scopeOf,
      boots: new Boots(2 * limits.maxObservers),
      scoring: this.#scoring,
      tally: this.#tally,
      paused: new Set(),
      onWindows: (windows) => this.#traffic.add(windows, clock.now()),
    }
  }

  stats (): DetectorStats {
    return this.#tally.stats({ keys: this.#scoring.keys, dropped: this.#watchers.lost + this.#traffic.dropped })
  }

  /** How often each reason was given for ending a call. */
  refused (): ReadonlyMap<RefusalReason, number> {
    return this.#tally.refused
  }

  /**
   * Serves until the signal aborts; then scores what was taken in, ends every stream with UNAVAILABLE, and resolves.
   * Rejects with UNAVAILABLE where the address cannot be bound.
   */
  async run (signal: AbortSignal): Promise<void> {
    const server = this.#server()
    try {
      this.#options.onListening?.(await bind(server, this.#options))
      await this.#tellTraffic(signal)
      await Promise.race([this.#scoring.idle(), setTimeout(STOP_MS, undefined, { ref: false })])
      await this.#stop(server)
    } finally {
      server.forceShutdown()
    }
  }

  #server (): Server {
    const server = new Server({ 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES })
    const { scorer, mayWatch } = this.#options
    const calls = new ScoreCalls({ scorer, mayWatch, watchers: this.#watchers, limits: this.#limits, tally: this.#tally })
    server.addService({ observe: serverMethod(Ingest.method.observe) }, { observe: (call: ObserveCall) => this.#observe(call) })
    server.addService(
      { watch: serverMethod(Scores.method.watch), explain: serverMethod(Scores.method.explain) },
      { watch: (call: WatchCall) => calls.watch(call), explain: (call: ExplainCall, reply: sendUnaryData<ExplainResponse>) => calls.explain(call, reply) }
    )
    return server
  }

  #observe (call: ObserveCall): void {
    const peer = peerOf(call)
    if (peer === null) {
      const refused = refusal('NoIdentity', 'the certificate names no identity of the form spiffe://TRUST-DOMAIN/ns/NAMESPACE/pod/UID')
      this.#tally.refuse(refused.reason)
      call.emit('error', statusOf(refused))
      return
    }
    const stream: IngestStream = new IngestStream(call, peer, this.#ingest, () => this.#streams.delete(stream))
    this.#streams.add(stream)
  }

  /** Lets the streams that were not read send again, when half of the room is free. */
  #readOn (): void {
    const { paused } = this.#ingest
    if (paused.size === 0 || this.#scoring.waiting > this.#limits.maxQueuedWindows / 2) return
    for (const stream of paused) stream.resume()
    paused.clear()
  }

  /** Resolves when the signal aborts. */
  async #tellTraffic (signal: AbortSignal): Promise<void> {
    while (await wait(TRAFFIC_EVERY_MS, signal)) {
      const picture = this.#traffic.picture()
      if (picture === null || this.#watchers.size === 0) continue
      const { atMs, edges } = picture
      this.#watchers.tell({ case: 'traffic', value: { atMs, edges: edges.map((edge) => ({ ...edge })), stats: this.stats() } })
    }
  }

  async #stop (server: Server): Promise<void> {
    const stopping = refusal('Stopping', 'this detector is shutting down; connect again')
    for (const stream of this.#streams) stream.refuse(stopping)
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
