import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import type { Credentials } from '../../src/core/identity.ts'
import { AggregatedDiscoveryService } from '../../src/wire/gen/xds/envoy/service/discovery/v3/ads_pb.js'
import { DeltaDiscoveryRequestSchema, DeltaDiscoveryResponseSchema, type DeltaDiscoveryResponse } from '../../src/wire/gen/xds/envoy/service/discovery/v3/discovery_pb.js'
import { CLUSTER, LISTENER } from '../../xds/resource-type.ts'

const { parent, name } = AggregatedDiscoveryService.method.deltaAggregatedResources
const HEADERS = { ':method': 'POST', ':path': `/${parent.typeName}/${name}`, 'content-type': 'application/grpc', te: 'trailers' }
const PREFIX_BYTES = 5
/** Between the base and the longest that our bootstrap gives Envoy. */
const BACK_OFF_MS = 500

export interface ProxyOptions {
  readonly podUid: string
  readonly port: number
  readonly credentials: Credentials
  /** How long it takes over an answer, as an Envoy with much to do does. */
  readonly answersAfterMs?: number
}

/** What all proxies of a process have counted. */
export interface Counted { responses: number, resources: number, removed: number, bytes: number, cut: number, retried: number }

/**
 * One Envoy as the xDS server sees it, without its weight: a TLS connection of its own with the pod's certificate and a
 * delta stream on it that asks for clusters, then listeners, and acknowledges all. It keeps the versions that it took
 * for the next stream, as Envoy does. Written on bare HTTP/2: a gRPC client takes more of a core than the server does.
 */
export class SimulatedProxy {
  readonly #options: ProxyOptions
  readonly #counted: Counted
  /** type -> name -> version */
  readonly #taken = new Map<string, Map<string, string>>([[CLUSTER, new Map()], [LISTENER, new Map()]])
  #session: ClientHttp2Session | null = null
  /** It should be connected. */
  #wanted = false
  #unread: Buffer = Buffer.alloc(0)

  constructor (options: ProxyOptions, counted: Counted) {
    this.#options = options
    this.#counted = counted
  }

  /** Resolves when its listeners have been answered for the first time on a new stream. */
  async connect (): Promise<void> {
    const { port, credentials: { certificate, key, authorities }, podUid } = this.#options
    const session = connect(`https://127.0.0.1:${port}`, { cert: certificate, key, ca: authorities, settings: { enablePush: false } })
    const stream = session.request(HEADERS)
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    let served = false
    session.on('error', reject)
    stream.on('error', reject)
    stream.on('close', () => {
      if (this.#session === session) {
        this.#counted.cut++
        this.#session = null
        if (served) this.#comeBack()
      }
      session.close()
      reject(new Error(`${podUid}: the stream ended`))
    })
    promise.catch(() => undefined) // a stream that ends later is counted above
    this.#session = session
    this.#wanted = true
    this.#unread = Buffer.alloc(0)
    stream.on('data', (chunk: Buffer) => {
      for (const response of this.#read(chunk)) {
        this.#take(stream, response)
        if (response.typeUrl !== LISTENER) continue
        served = true
        resolve(undefined)
      }
    })
    this.#subscribe(stream, CLUSTER)
    return promise
  }

  get connected (): boolean {
    return this.#session !== null
  }

  /** What it has taken and not been told to drop: type, name, version, in that order, sorted. */
  get holdings (): string[] {
    return [...this.#taken].flatMap(([type, versions]) => [...versions].map(([name, version]) => `${type} ${name} ${version}`)).sort()
  }

  /** After a stream that the server ended. */
  #comeBack (): void {
    setTimeout(() => {
      if (this.#wanted && this.#session === null) this.connect().catch(() => this.#comeBack())
    }, BACK_OFF_MS).unref()
  }

  /** As when the network is cut: no farewell, and it does not come back by itself. */
  cut (): void {
    const session = this.#session
    this.#wanted = false
    this.#session = null
    session?.destroy(undefined, constants.NGHTTP2_CANCEL)
  }

  /** Whole responses, which gRPC sends behind a flag and a length. */
  #read (chunk: Buffer): DeltaDiscoveryResponse[] {
    this.#counted.bytes += chunk.length
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk])
    const responses = []
    while (this.#unread.length >= PREFIX_BYTES) {
      const end = PREFIX_BYTES + this.#unread.readUInt32BE(1)
      if (this.#unread.length < end) break
      responses.push(fromBinary(DeltaDiscoveryResponseSchema, this.#unread.subarray(PREFIX_BYTES, end)))
      this.#unread = this.#unread.subarray(end)
    }
    return responses
  }

  #take (stream: ClientHttp2Stream, { typeUrl, nonce, resources, removedResources }: DeltaDiscoveryResponse): void {
    const taken = this.#taken.get(typeUrl)
    if (taken === undefined) throw new Error(`'${typeUrl}' was not asked for`)
    for (const { name, version } of resources) taken.set(name, version)
    for (const name of removedResources) taken.delete(name)
    this.#counted.responses++
    this.#counted.resources += resources.length
    this.#counted.removed += removedResources.length
    const answer = (): void => {
      this.#send(stream, { typeUrl, responseNonce: nonce })
      if (typeUrl === CLUSTER && !this.#asked) this.#subscribe(stream, LISTENER)
    }
    const { answersAfterMs } = this.#options
    if (answersAfterMs === undefined) answer()
    else setTimeout(answer, answersAfterMs).unref()
  }

  /** Whether this stream has asked for listeners: it does when its clusters are there. */
  #asked = false

  #subscribe (stream: ClientHttp2Stream, typeUrl: string): void {
    this.#asked = typeUrl === LISTENER
    this.#send(stream, { typeUrl, node: { id: this.#options.podUid }, resourceNamesSubscribe: ['*'], initialResourceVersions: Object.fromEntries(this.#taken.get(typeUrl) ?? []) })
  }

  #send (stream: ClientHttp2Stream, request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>): void {
    if (stream.destroyed || stream.closed) return
    const message = toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request))
    const framed = Buffer.alloc(PREFIX_BYTES + message.length)
    framed.writeUInt32BE(message.length, 1)
    framed.set(message, PREFIX_BYTES)
    stream.write(framed)
  }
}
