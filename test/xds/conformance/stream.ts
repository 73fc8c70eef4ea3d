import { create } from '@bufbuild/protobuf'
import type { Client, ClientDuplexStream, MethodDefinition, ServiceError } from '@grpc/grpc-js'
import { AggregatedDiscoveryService } from '../../../src/wire/gen/xds/envoy/service/discovery/v3/ads_pb.js'
import { DeltaDiscoveryRequestSchema, DiscoveryRequestSchema, type DeltaDiscoveryResponse, type DiscoveryResponse } from '../../../src/wire/gen/xds/envoy/service/discovery/v3/discovery_pb.js'
import { methodOf } from '../../../src/wire/method.ts'
import type { Variant } from './case.ts'
import { NODE_ID } from './control.ts'
import { readResource, typeOf, type TypeWord } from './resource.ts'

/** A request in words that both variants share. */
export interface Request {
  readonly typeUrl: string
  readonly nonce: string
  /** The client's words where it refuses. */
  readonly error: string | null
  readonly node: boolean
  /** sotw: the whole list. */
  readonly names: readonly string[]
  readonly version: string
  /** delta */
  readonly subscribe: readonly string[]
  readonly unsubscribe: readonly string[]
  readonly initial: Readonly<Record<string, string>>
}

/** A response in words that both variants share. */
export interface Response {
  readonly type: TypeWord | null
  readonly typeUrl: string
  readonly nonce: string
  /** sotw: of the type. */
  readonly version: string
  /** `text` is the resource in a case's words; `version` its own (delta). */
  readonly resources: readonly { readonly name: string, readonly text: string, readonly version: string }[]
  readonly removed: readonly string[]
}

/** In which order it came on its stream. */
export interface Arrived extends Response { readonly arrival: number }

/** What came over the wire, in a case's words. */
export function ofDelta ({ typeUrl, nonce, systemVersionInfo, resources, removedResources }: DeltaDiscoveryResponse): Response {
  const type = typeOf(typeUrl)
  return {
    type,
    typeUrl,
    nonce,
    version: systemVersionInfo,
    removed: removedResources,
    resources: resources.map(({ name, version, resource }) => ({ name, version, text: type === null || resource === undefined ? '?' : readResource(type, resource).text })),
  }
}

export function ofSotw ({ typeUrl, nonce, versionInfo, resources }: DiscoveryResponse): Response {
  const type = typeOf(typeUrl)
  return { type, typeUrl, nonce, version: versionInfo, removed: [], resources: resources.map((body) => ({ version: '', ...type === null ? { name: '?', text: '?' } : readResource(type, body) })) }
}

interface Wire { readonly write: (request: Request) => void, readonly cancel: () => void }

/** A stream driven by hand: nothing is answered by itself. Its connection is closed with it. */
export class Stream implements Disposable {
  readonly #client: Client
  readonly #wire: Wire
  #arrived = Promise.withResolvers<undefined>()
  /** What came and was not taken yet, oldest first. */
  readonly inbox: Arrived[] = []
  #count = 0
  /** The status that the stream ended with. */
  readonly ended: Promise<Pick<ServiceError, 'code' | 'details'>>

  constructor (client: Client, variant: Variant) {
    this.#client = client
    const ended = Promise.withResolvers<Pick<ServiceError, 'code' | 'details'>>()
    this.ended = ended.promise
    const open = <Req, Res>(method: MethodDefinition<Req, Res>, read: (response: Res) => Response): ClientDuplexStream<Req, Res> =>
      client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize)
        .on('data', (response: Res) => this.#arrive(read(response)))
        .on('status', ended.resolve)
        .on('error', () => undefined) // the status says the same
    const { deltaAggregatedResources, streamAggregatedResources } = AggregatedDiscoveryService.method
    this.#wire = variant === 'delta' ? deltaWire(open(methodOf(deltaAggregatedResources), ofDelta)) : sotwWire(open(methodOf(streamAggregatedResources), ofSotw))
  }

  send (request: Request): void {
    this.#wire.write(request)
  }

  /** Resolves with the first response that `wanted` takes, out of the inbox; null when the deadline passes first. */
  async take (wanted: (response: Arrived) => boolean, deadlineMs: number): Promise<Arrived | null> {
    const timer = Promise.withResolvers<'late'>()
    const clock = setTimeout(() => timer.resolve('late'), deadlineMs)
    try {
      for (;;) {
        const index = this.inbox.findIndex(wanted)
        if (index >= 0) return this.inbox.splice(index, 1)[0] ?? null
        if (await Promise.race([this.#arrived.promise, timer.promise, this.ended]) !== undefined) return null
      }
    } finally {
      clearTimeout(clock)
    }
  }

  #arrive (response: Response): void {
    this.inbox.push({ ...response, arrival: ++this.#count })
    this.#arrived.resolve(undefined)
    this.#arrived = Promise.withResolvers()
  }

  [Symbol.dispose] (): void {
    this.#wire.cancel()
    this.#client.close()
  }
}

const statusOf = (error: string | null) => error === null ? {} : { errorDetail: { code: 3, message: error } } // 3: INVALID_ARGUMENT, as Envoy sends it
const nodeOf = (node: boolean) => node ? { node: { id: NODE_ID, cluster: NODE_ID } } : {}

type Writable<Schema> = Pick<ClientDuplexStream<Schema, never>, 'write' | 'cancel'>

function deltaWire (call: Writable<ReturnType<typeof create<typeof DeltaDiscoveryRequestSchema>>>): Wire {
  return {
    cancel: () => call.cancel(),
    write: ({ typeUrl, nonce, error, node, subscribe, unsubscribe, initial }) => call.write(create(DeltaDiscoveryRequestSchema, {
      typeUrl, responseNonce: nonce, resourceNamesSubscribe: [...subscribe], resourceNamesUnsubscribe: [...unsubscribe], initialResourceVersions: initial, ...statusOf(error), ...nodeOf(node),
    })),
  }
}

function sotwWire (call: Writable<ReturnType<typeof create<typeof DiscoveryRequestSchema>>>): Wire {
  return {
    cancel: () => call.cancel(),
    write: ({ typeUrl, nonce, error, node, names, version }) => call.write(create(DiscoveryRequestSchema, {
      typeUrl, responseNonce: nonce, resourceNames: [...names], versionInfo: version, ...statusOf(error), ...nodeOf(node),
    })),
  }
}
