import { fromBinary } from '@bufbuild/protobuf'
import { Server, type Client, type ServerDuplexStream } from '@grpc/grpc-js'
import type { Credentials } from '../../../src/core/identity.ts'
import { AggregatedDiscoveryService } from '../../../src/wire/gen/xds/envoy/service/discovery/v3/ads_pb.js'
import { DeltaDiscoveryRequestSchema, DeltaDiscoveryResponseSchema, DiscoveryRequestSchema, DiscoveryResponseSchema } from '../../../src/wire/gen/xds/envoy/service/discovery/v3/discovery_pb.js'
import { fixedCredentials } from '../../../src/wire/held-credentials.ts'
import { serverTls } from '../../../src/wire/tls.ts'
import { ofDelta, ofSotw, type Request, type Response } from './stream.ts'

/** One message that passed, of the nth stream. */
export type Frame = { readonly stream: number } & ({ readonly request: Request, readonly response?: never } | { readonly response: Response, readonly request?: never })

const NOTHING = { names: [], version: '', subscribe: [], unsubscribe: [], initial: {} }

function deltaRequest (bytes: Buffer): Request {
  const { typeUrl, responseNonce, errorDetail, node, resourceNamesSubscribe, resourceNamesUnsubscribe, initialResourceVersions } = fromBinary(DeltaDiscoveryRequestSchema, bytes)
  return { ...NOTHING, typeUrl, nonce: responseNonce, error: errorDetail?.message ?? null, node: node !== undefined, subscribe: resourceNamesSubscribe, unsubscribe: resourceNamesUnsubscribe, initial: initialResourceVersions }
}

function sotwRequest (bytes: Buffer): Request {
  const { typeUrl, responseNonce, errorDetail, node, resourceNames, versionInfo } = fromBinary(DiscoveryRequestSchema, bytes)
  return { ...NOTHING, typeUrl, nonce: responseNonce, error: errorDetail?.message ?? null, node: node !== undefined, names: resourceNames, version: versionInfo }
}

const BYTES = (bytes: Buffer): Buffer => bytes
const { deltaAggregatedResources, streamAggregatedResources } = AggregatedDiscoveryService.method
const METHODS = [
  { method: deltaAggregatedResources, request: deltaRequest, response: (bytes: Buffer) => ofDelta(fromBinary(DeltaDiscoveryResponseSchema, bytes)) },
  { method: streamAggregatedResources, request: sotwRequest, response: (bytes: Buffer) => ofSotw(fromBinary(DiscoveryResponseSchema, bytes)) },
]

/** Stands between a client and an xDS server, over mutual TLS on both sides, passes every message as it is and keeps a copy. */
export class RecordingRelay implements AsyncDisposable {
  readonly frames: Frame[] = []
  readonly #server = new Server()
  readonly #cuts = new Set<() => void>()
  readonly #open: () => Client
  #streams = 0
  #way = Promise.withResolvers<undefined>()
  port = 0

  /** `open`: a connection to the server, one for each stream. */
  private constructor (open: () => Client) {
    this.#open = open
    this.#way.resolve(undefined)
  }

  static async start (credentials: Credentials, open: () => Client): Promise<RecordingRelay> {
    const relay = new RecordingRelay(open)
    for (const { method, request, response } of METHODS) {
      const path = `/${method.parent.typeName}/${method.name}`
      relay.#server.register(path, (call: ServerDuplexStream<Buffer, Buffer>) => { relay.#passes(() => relay.#serve(call, path, request, response), call) }, BYTES, BYTES, 'bidi')
    }
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    relay.#server.bindAsync('127.0.0.1:0', serverTls(fixedCredentials(credentials)), (error, port) => error === null ? resolve(port) : reject(error))
    relay.port = await promise
    return relay
  }

  /** Streams that were begun. */
  get streams (): number {
    return this.#streams
  }

  /** Cuts what is open; who comes back is not heard before `resume`. */
  cut (): void {
    this.#way = Promise.withResolvers()
    for (const cut of this.#cuts) cut()
  }

  resume (): void {
    this.#way.resolve(undefined)
  }

  /** Serves a stream at once, or when the way is free again; one that is given up meanwhile, never. */
  #passes (serve: () => void, call: Pick<ServerDuplexStream<Buffer, Buffer>, 'on'>): void {
    const given = new AbortController()
    for (const event of ['cancelled', 'error']) call.on(event, () => given.abort())
    this.#way.promise.then(() => { if (!given.signal.aborted) serve() }, () => undefined)
  }

  #serve (call: ServerDuplexStream<Buffer, Buffer>, path: string, requestOf: (bytes: Buffer) => Request, responseOf: (bytes: Buffer) => Response): void {
    const stream = ++this.#streams
    const client = this.#open()
    const far = client.makeBidiStreamRequest(path, BYTES, BYTES)
    const end = (): void => {
      this.#cuts.delete(end)
      far.cancel()
      client.close()
      call.end()
    }
    this.#cuts.add(end)
    far.on('data', (bytes: Buffer) => {
      this.frames.push({ stream, response: responseOf(bytes) })
      call.write(bytes)
    }).on('error', end).on('end', end)
    call.on('data', (bytes: Buffer) => {
      this.frames.push({ stream, request: requestOf(bytes) })
      far.write(bytes)
    }).on('cancelled', end).on('end', end)
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.resume()
    for (const cut of this.#cuts) cut()
    this.#server.forceShutdown()
  }
}
