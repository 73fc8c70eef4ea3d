import { setInterval } from 'node:timers/promises'
import { Server, type ServerCredentials, status, type ServerDuplexStream } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { AutoshieldError } from '../src/core/errors.ts'
import { identityOfPeer } from '../src/core/identity.ts'
import { AdsStream } from './ads-stream.ts'
import type { DeltaDiscoveryRequest, DiscoveryRequest } from '../src/wire/gen/xds/envoy/service/discovery/v3/discovery_pb.js'
import type { Malformed } from '../src/wire/method.ts'
import { ADS_DEFINITION, DELTA, SOTW, type AnyRequest, type Protocol } from './protocol.ts'
import type { SnapshotSource } from './snapshot-source.ts'
import type { Subscription } from './subscription.ts'

export interface XdsServerOptions {
  readonly fleet: SnapshotSource
  /** Must ask for and check client certificates: who the peer is decides which pod's resources it gets. */
  readonly credentials: ServerCredentials
  readonly trustDomain: string
  readonly listen: { readonly host: string, readonly port: number }
  readonly log: Logger
  /** Streams served at once; one more is told to try later. */
  readonly maxStreams?: number
  /** What else is served on the same port; it decides by itself who may call. */
  readonly calls?: { readonly register: (server: Server) => void, readonly end: () => void }
}

/** Counted since the start. */
export interface XdsServerStats {
  readonly streams: number
  readonly refused: number
  /** Responses sent. */
  readonly pushes: number
}

const KEEPALIVE = { 'grpc.keepalive_time_ms': 30_000, 'grpc.keepalive_timeout_ms': 10_000, 'grpc.keepalive_permit_without_calls': 1 }
const MAX_REQUEST_BYTES = 1 << 20
const DRAIN_MS = 2000

/** A restriction outlives its expiry by no more than this. */
const EXPIRY_MS = 1000

/** ADS over mutually authenticated gRPC, delta and state of the world. A proxy gets its own pod's resources, whatever `node.id` it claims. */
export class XdsServer {
  readonly #options: XdsServerOptions
  readonly #streams = new Set<{ end: () => void }>()
  readonly #listening = Promise.withResolvers<number>()
  #refused = 0
  #pushes = 0

  constructor (options: XdsServerOptions) {
    this.#options = options
    this.#listening.promise.catch(() => undefined) // `run` rejects with the same
  }

  /** The port that it listens on, once it does: for `listen.port` 0. Rejects as `run` does. */
  get port (): Promise<number> {
    return this.#listening.promise
  }

  get stats (): XdsServerStats {
    return { streams: this.#streams.size, refused: this.#refused, pushes: this.#pushes }
  }

  /**
   * Serves until aborted, then ends the streams, which proxies survive with what they have. Rejects with UNAVAILABLE
   * where the port cannot be had. Takes restrictions out of the fleet as they expire.
   */
  async run (signal: AbortSignal): Promise<void> {
    const server = new Server({ ...KEEPALIVE, 'grpc.max_receive_message_length': MAX_REQUEST_BYTES })
    server.addService(ADS_DEFINITION, {
      deltaAggregatedResources: (call: ServerDuplexStream<DeltaDiscoveryRequest | Malformed, Buffer>) => this.#serve(DELTA, call),
      streamAggregatedResources: (call: ServerDuplexStream<DiscoveryRequest | Malformed, Buffer>) => this.#serve(SOTW, call),
    })
    this.#options.calls?.register(server)
    try {
      this.#listening.resolve(await this.#bind(server))
    } catch (error) {
      this.#listening.reject(error)
      throw error
    }
    await this.#expireUntil(signal)
    await this.#drain(server)
  }

  async #bind (server: Server): Promise<number> {
    const { listen: { host, port }, credentials, log } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    server.bindAsync(`${host.includes(':') ? `[${host}]` : host}:${port}`, credentials, (error, bound) => {
      if (error === null) resolve(bound)
      else reject(new AutoshieldError('UNAVAILABLE', `the xDS server cannot listen on ${host}:${port} (${error.message}); choose another for it.`, { cause: error }))
    })
    const bound = await promise
    log.info({ host, port: bound }, 'xDS server listening')
    return bound
  }

  #serve<Request extends AnyRequest, S extends Subscription> (protocol: Protocol<Request, S>, call: ServerDuplexStream<Request | Malformed, Buffer>): void {
    const { fleet, trustDomain, log, maxStreams = 10_000 } = this.#options
    const identity = identityOfPeer(call.getAuthContext().sslPeerCertificate ?? {})
    if (identity?.trustDomain !== trustDomain) {
      this.#refuse(call, status.PERMISSION_DENIED, `the certificate names no pod of ${trustDomain}`)
      return
    }
    if (this.#streams.size >= maxStreams) {
      this.#refuse(call, status.RESOURCE_EXHAUSTED, 'too many streams, try again')
      return
    }
    const stream = new AdsStream(protocol, call, fleet, identity.uid, log)
    this.#streams.add(stream)
    log.info({ pod: identity.uid, protocol: protocol.name, peer: call.getPeer() }, 'proxy connected')
    stream.serve({
      pushed: () => { this.#pushes++ },
      ended: () => {
        this.#streams.delete(stream)
        log.info({ pod: identity.uid }, 'proxy gone')
      },
    })
  }

  #refuse (call: Pick<ServerDuplexStream<unknown, unknown>, 'emit' | 'getPeer'>, code: status, details: string): void {
    this.#refused++
    this.#options.log.warn({ peer: call.getPeer(), details }, 'proxy refused')
    call.emit('error', { code, details })
  }

  async #expireUntil (signal: AbortSignal): Promise<void> {
    try {
      for await (const fleet of setInterval(EXPIRY_MS, this.#options.fleet, { signal })) fleet.expire()
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  async #drain (server: Server): Promise<void> {
    for (const stream of this.#streams) stream.end()
    this.#options.calls?.end()
    const force = setTimeout(() => server.forceShutdown(), DRAIN_MS)
    await new Promise<void>((resolve) => { server.tryShutdown(() => resolve()) })
    clearTimeout(force)
  }
}
