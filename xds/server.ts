import { setInterval } from 'node:timers/promises'
import { Server, type ServerDuplexStream } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { AutoshieldError } from '../src/core/errors.ts'
import { spiffeId, type Identity } from '../src/core/identity.ts'
import type { Clock } from '../src/ports/clock.ts'
import type { CredentialSource } from '../src/ports/identity.ts'
import type { DeltaDiscoveryRequest, DiscoveryRequest } from '../src/wire/gen/xds/envoy/service/discovery/v3/discovery_pb.js'
import type { Malformed } from '../src/wire/method.ts'
import { admit, roleOf, type AdmitRules } from './admit.ts'
import { AdsStream, type Stream } from './ads-stream.ts'
import type { Calls, Client } from './calls.ts'
import { Connections, type Connection } from './connections.ts'
import { ADS_DEFINITION, DELTA, SOTW, type AnyRequest, type Protocol } from './protocol.ts'
import { refuse, statusOf, type Refusal, type RefusalReason } from './refusal.ts'
import { RefusalLog, type RefusalRecord } from './refusal-log.ts'
import type { SnapshotSource } from './snapshot-source.ts'
import type { Subscription } from './subscription.ts'

export interface XdsServerOptions extends AdmitRules {
  readonly fleet: SnapshotSource
  /** The server's own, and whose clients it believes: who the peer is decides which pod's resources it gets. */
  readonly credentials: CredentialSource
  readonly listen: { readonly host: string, readonly port: number }
  readonly log: Logger
  /** Streams served at once; one more is told to try later. */
  readonly maxStreams?: number
  readonly calls?: readonly Calls[]
  /** Streams of one pod served at once; one more ends the oldest. */
  readonly maxStreamsOfOne?: number
  /** How long a connection serves, give or take a fifth; then the client is sent to connect anew, which shows a renewed certificate and spreads clients over replicas. */
  readonly maxConnectionAgeMs?: number
  readonly clock?: Clock
  /** Told of refusals, few enough a minute for an audit trail; must not throw. */
  readonly onRefusal?: (record: RefusalRecord) => void
}

/** Counted since the start, but for the streams, which are those of now. */
export interface XdsServerStats {
  readonly streams: number
  readonly connections: number
  readonly refused: number
  /** Responses sent that had something in them. */
  readonly pushes: number
  readonly refusals: ReadonlyMap<RefusalReason, number>
}

const GRPC = {
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 20_000, // a server that configures thousands at once reads answers late
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_receive_message_length': 1 << 20,
  'grpc.max_concurrent_streams': 100,
  'grpc.enable_channelz': 0, // nobody looks, and it remembers every connection
}
const DEFAULTS = { maxStreams: 10_000, maxStreamsOfOne: 8, maxConnectionAgeMs: 30 * 60_000 }
const TOLD = { toldOfOne: 10, mostPeers: 50 }

/** A restriction outlives its expiry, and a stream its certificate or its revocation, by no more than this. */
const SWEEP_MS = 1000

type Call = Pick<ServerDuplexStream<unknown, unknown>, 'emit' | 'getPeer'>

/** ADS over mutually authenticated gRPC, delta and state of the world. A proxy gets its own pod's resources, whatever `node.id` it claims. */
export class XdsServer {
  readonly #options: XdsServerOptions & Required<Pick<XdsServerOptions, keyof typeof DEFAULTS | 'clock'>>
  readonly #streams = new Set<Stream>()
  /** The same by pod, the oldest first. */
  readonly #streamsOf = new Map<string, Set<Stream>>()
  readonly #listening = Promise.withResolvers<number>()
  readonly #refusals: RefusalLog
  readonly #grpc = new Server(GRPC)
  readonly #connections: Connections
  #pushes = 0

  constructor (options: XdsServerOptions) {
    const { clock = { now: Date.now }, credentials, log, onRefusal } = options
    this.#options = { ...DEFAULTS, ...options, clock }
    this.#listening.promise.catch(() => undefined) // `run` rejects with the same
    this.#refusals = new RefusalLog({
      ...TOLD,
      clock,
      onRefusal: (record) => {
        log.warn(record, 'client refused')
        onRefusal?.(record)
      },
    })
    this.#connections = new Connections(this.#grpc, {
      credentials, clock, random: Math.random, maxAgeMs: this.#options.maxConnectionAgeMs, most: 2 * this.#options.maxStreams, onRefusal: (refusal, peer) => this.#count(refusal, peer, null),
    })
  }

  /** The port that it listens on, once it does: for `listen.port` 0. Rejects as `run` does. */
  get port (): Promise<number> {
    return this.#listening.promise
  }

  get stats (): XdsServerStats {
    const refusals = this.#refusals.counts
    return { streams: this.#streams.size, connections: this.#connections.size, refused: refusals.values().reduce((sum, count) => sum + count, 0), pushes: this.#pushes, refusals }
  }

  /**
   * Serves until aborted, then ends the streams, which proxies survive with what they have. Rejects with UNAVAILABLE
   * where the port cannot be had. Takes restrictions out of the fleet as they expire.
   */
  async run (signal: AbortSignal): Promise<void> {
    this.#grpc.addService(ADS_DEFINITION, {
      deltaAggregatedResources: (call: ServerDuplexStream<DeltaDiscoveryRequest | Malformed, Buffer>) => this.#serve(DELTA, call),
      streamAggregatedResources: (call: ServerDuplexStream<DiscoveryRequest | Malformed, Buffer>) => this.#serve(SOTW, call),
    })
    const { calls = [], listen, log } = this.#options
    for (const call of calls) call.register(this.#grpc, () => this.#clients())
    try {
      const port = await this.#connections.listen(listen)
      log.info({ host: listen.host, port }, 'xDS server listening')
      this.#listening.resolve(port)
    } catch (error) {
      const failed = new AutoshieldError('UNAVAILABLE', `the xDS server cannot listen on ${listen.host}:${listen.port} (${AutoshieldError.from(error).message}); choose another with --listen (of autoshield up: --xds).`, { cause: error })
      this.#listening.reject(failed)
      throw failed
    }
    await this.#sweepUntil(signal)
    await this.#drain()
  }

  #serve<Request extends AnyRequest, S extends Subscription> (protocol: Protocol<Request, S>, call: ServerDuplexStream<Request | Malformed, Buffer>): void {
    const { fleet, log, maxStreams } = this.#options
    const connection = this.#connections.of(call.getPeer())
    if (connection === undefined) return // it has closed
    const identity = this.#admit(connection)
    if ('reason' in identity) {
      this.#refuse(call, identity, connection)
      return
    }
    if (this.#streams.size >= maxStreams) {
      this.#refuse(call, refuse('TooManyStreams'), connection)
      return
    }
    const stream = new AdsStream(protocol, call, {
      source: fleet,
      connection,
      identity,
      log,
      listener: {
        pushed: () => { this.#pushes++ },
        refused: (refusal) => this.#count(refusal, connection.peer, identity),
        ended: () => {
          this.#forget(stream)
          log.info({ pod: identity.uid }, 'proxy gone')
        },
      },
    })
    this.#makeRoom(identity.uid)
    this.#keep(stream)
    log.info({ pod: identity.uid, protocol: protocol.name, peer: connection.peer }, 'proxy connected')
    stream.serve()
  }

  #clients (): readonly Client[] {
    return [...new Map(this.#streams.values().map((stream) => [stream.podUid, stream])).values()]
  }

  #admit (connection: Connection): Identity | Refusal {
    const identity = admit(connection, this.#options, this.#options.clock.now())
    if ('reason' in identity) return identity
    const role = roleOf(identity, this.#options)
    return role === null ? identity : refuse('NotAPod', role)
  }

  /** The newest streams of a pod are served: old ones may be those of a connection that is half dead. */
  #makeRoom (podUid: string): void {
    const own = [...this.#streamsOf.get(podUid) ?? []]
    for (const oldest of own.slice(0, Math.max(0, own.length + 1 - this.#options.maxStreamsOfOne))) oldest.refuse(refuse('TooManyStreamsOfOne'))
  }

  #keep (stream: Stream): void {
    this.#streams.add(stream)
    const own = this.#streamsOf.get(stream.podUid) ?? new Set()
    this.#streamsOf.set(stream.podUid, own.add(stream))
  }

  #forget (stream: Stream): void {
    this.#streams.delete(stream)
    const own = this.#streamsOf.get(stream.podUid)
    own?.delete(stream)
    if (own?.size === 0) this.#streamsOf.delete(stream.podUid)
  }

  /** A client that cannot be believed is sent to connect anew, with another certificate. */
  #refuse (call: Call, refusal: Refusal, connection: Connection): void {
    this.#count(refusal, connection.peer, connection.identity)
    call.emit('error', statusOf(refusal))
    if (refusal.reason !== 'TooManyStreams') connection.drain()
  }

  #count (refusal: Refusal, peer: string, identity: Identity | null): void {
    this.#refusals.add({ ...refusal, peer, identity: identity === null ? null : spiffeId(identity) })
  }

  async #sweepUntil (signal: AbortSignal): Promise<void> {
    try {
      for await (const fleet of setInterval(SWEEP_MS, this.#options.fleet, { signal })) {
        fleet.expire()
        this.#refusals.sweep()
        this.#sweep()
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** Ends what is not to be served any longer. Our own parts, whose calls are not streams of proxies, stay as long as their certificates. */
  #sweep (): void {
    const nowMs = this.#options.clock.now()
    const streams = Map.groupBy(this.#streams, ({ connection }) => connection)
    for (const connection of this.#connections.values()) {
      const identity = admit(connection, this.#options, nowMs)
      const refused = 'reason' in identity ? identity : null
      if (refused === null && (nowMs < connection.endsAtMs || this.#isOwn(connection))) continue
      connection.drain()
      for (const stream of streams.get(connection) ?? []) {
        if (refused === null) stream.end()
        else stream.refuse(refused)
      }
    }
  }

  #isOwn ({ identity }: Connection): boolean {
    return identity !== null && roleOf(identity, this.#options) !== null
  }

  /** Clients are told to go before their streams end, so that they do not come back here. */
  async #drain (): Promise<void> {
    const drained = this.#connections.drain()
    for (const stream of this.#streams) stream.end()
    this.#refusals.flush() // before those who take them are sent away
    for (const calls of this.#options.calls ?? []) calls.end()
    await drained
  }
}
