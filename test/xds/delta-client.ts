import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { Client, ClientDuplexStream, MethodDefinition, ServiceError } from '@grpc/grpc-js'
import { AggregatedDiscoveryService } from '../../src/wire/gen/xds/envoy/service/discovery/v3/ads_pb.js'
import { DeltaDiscoveryRequestSchema, type DeltaDiscoveryRequest, type DeltaDiscoveryResponse } from '../../src/wire/gen/xds/envoy/service/discovery/v3/discovery_pb.js'
import { methodOf } from '../../src/wire/method.ts'

const METHOD = methodOf(AggregatedDiscoveryService.method.deltaAggregatedResources)

/** A delta stream driven by hand: nothing is acknowledged by itself. */
export class DeltaClient implements Disposable {
  readonly #client: Client
  readonly #stream: ClientDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>
  readonly #waiting: ((response: DeltaDiscoveryResponse) => void)[] = []
  /** What came and was not asked for by `next` yet. */
  readonly responses: DeltaDiscoveryResponse[] = []
  /** The status that the stream ended with; OK included. */
  readonly ended: Promise<Pick<ServiceError, 'code' | 'details'>>

  /** The client is closed with it. */
  constructor (client: Client, method: MethodDefinition<DeltaDiscoveryRequest, DeltaDiscoveryResponse> = METHOD) {
    this.#client = client
    this.#stream = this.#client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize)
    this.#stream.on('data', (response: DeltaDiscoveryResponse) => {
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.responses.push(response)
      else waiting(response)
    })
    const { promise, resolve } = Promise.withResolvers<Pick<ServiceError, 'code' | 'details'>>()
    this.#stream.on('status', resolve).on('error', () => undefined) // the status says the same
    this.ended = promise
  }

  send (request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>): void {
    this.#stream.write(create(DeltaDiscoveryRequestSchema, request))
  }

  ack ({ typeUrl, nonce }: DeltaDiscoveryResponse): void {
    this.send({ typeUrl, responseNonce: nonce })
  }

  nack ({ typeUrl, nonce }: DeltaDiscoveryResponse, message: string): void {
    this.send({ typeUrl, responseNonce: nonce, errorDetail: { code: 3, message } })
  }

  /** The next response, or the first that was not asked for yet. */
  next (): Promise<DeltaDiscoveryResponse> {
    const response = this.responses.shift()
    return response === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(response)
  }

  [Symbol.dispose] (): void {
    this.#stream.cancel()
    this.#client.close()
  }
}

/** As a client of another make might: bytes that are no request. */
export const GARBAGE: typeof METHOD = { ...METHOD, requestSerialize: () => Buffer.from([0xff, 0xff, 0xff]) }
