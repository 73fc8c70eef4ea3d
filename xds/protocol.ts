import { create, toBinary, type JsonObject } from '@bufbuild/protobuf'
import { serverMethod } from '../src/wire/method.ts'
import { AggregatedDiscoveryService } from '../src/wire/gen/xds/envoy/service/discovery/v3/ads_pb.js'
import {
  DeltaDiscoveryResponseSchema, DiscoveryResponseSchema,
  type DeltaDiscoveryRequest, type DiscoveryRequest,
} from '../src/wire/gen/xds/envoy/service/discovery/v3/discovery_pb.js'
import type { Answer } from './ledger.ts'
import type { Outgoing } from './session.ts'
import { sharedEncoding } from './shared-encoding.ts'
import { DeltaSubscription, SotwSubscription, type Ask, type Subscription } from './subscription.ts'

/** One of the two ways in which clients speak ADS: its messages to and from our own words. */
export interface Protocol<Request, S extends Subscription> {
  readonly name: 'delta' | 'sotw'
  readonly open: (type: string) => S
  readonly receive: (subscription: S, request: Request) => Answer | null
  /** The response as it goes over the wire. */
  readonly respond: (outgoing: Outgoing) => Buffer
}

/** What every request carries in both. */
export interface AnyRequest {
  readonly typeUrl: string
  /** It comes with the first request of a stream. */
  readonly node?: { readonly id: string, readonly metadata?: JsonObject | undefined } | undefined
}

const { streamAggregatedResources, deltaAggregatedResources } = AggregatedDiscoveryService.method

const asTheyAre = { responseSerialize: (bytes: Buffer) => bytes }

/** The service as grpc-js registers it; its responses are encoded already. */
export const ADS_DEFINITION = {
  streamAggregatedResources: { ...serverMethod(streamAggregatedResources), ...asTheyAre },
  deltaAggregatedResources: { ...serverMethod(deltaAggregatedResources), ...asTheyAre },
}

/** Of a client's words on a refusal so much is kept, in characters: they last as long as the refusal does. */
const MAX_WORDS = 16_384

/** A NACK is told by error_detail alone: versions are no sign of one (xDS protocol, "NACK"). */
const askOf = ({ responseNonce, errorDetail }: DeltaDiscoveryRequest | DiscoveryRequest): Ask => ({ nonce: responseNonce, error: errorDetail?.message.slice(0, MAX_WORDS) ?? null })

export const DELTA: Protocol<DeltaDiscoveryRequest, DeltaSubscription> = {
  name: 'delta',
  open: () => new DeltaSubscription(),
  receive: (subscription, request) => subscription.receive({
    ...askOf(request), subscribe: request.resourceNamesSubscribe, unsubscribe: request.resourceNamesUnsubscribe, initialVersions: request.initialResourceVersions,
  }),
  respond: sharedEncoding(({ type, version, offer }) => toBinary(DeltaDiscoveryResponseSchema, create(DeltaDiscoveryResponseSchema, {
    typeUrl: type,
    systemVersionInfo: version,
    resources: offer.resources.map(({ name, version, body }) => ({ name, version, resource: body })),
    removedResources: [...offer.removed],
  }))),
}

export const SOTW: Protocol<DiscoveryRequest, SotwSubscription> = {
  name: 'sotw',
  open: (type) => new SotwSubscription(type),
  receive: (subscription, request) => subscription.receive({ ...askOf(request), names: request.resourceNames, version: request.versionInfo }),
  respond: sharedEncoding(({ type, version, offer }) => toBinary(DiscoveryResponseSchema, create(DiscoveryResponseSchema, {
    typeUrl: type, versionInfo: version, resources: offer.resources.map(({ body }) => body),
  }))),
}
