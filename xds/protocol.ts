import { create } from '@bufbuild/protobuf'
import { serverMethod } from '../src/wire/method.ts'
import { AggregatedDiscoveryService } from '../src/wire/gen/xds/envoy/service/discovery/v3/ads_pb.js'
import {
  DeltaDiscoveryResponseSchema, DiscoveryResponseSchema,
  type DeltaDiscoveryRequest, type DeltaDiscoveryResponse, type DiscoveryRequest, type DiscoveryResponse,
} from '../src/wire/gen/xds/envoy/service/discovery/v3/discovery_pb.js'
import type { Answer } from './ledger.ts'
import type { Outgoing } from './session.ts'
import { DeltaSubscription, SotwSubscription, type Ask, type Subscription } from './subscription.ts'

/** One of the two ways in which clients speak ADS: its messages to and from our own words. */
export interface Protocol<Request, Response, S extends Subscription> {
  readonly name: 'delta' | 'sotw'
  readonly open: (type: string) => S
  readonly receive: (subscription: S, request: Request) => Answer | null
  readonly respond: (outgoing: Outgoing) => Response
}

/** What every request carries in both. */
export interface AnyRequest {
  readonly typeUrl: string
  readonly node?: { readonly id: string } | undefined
}

const { streamAggregatedResources, deltaAggregatedResources } = AggregatedDiscoveryService.method

/** The service as grpc-js registers it. */
export const ADS_DEFINITION = {
  streamAggregatedResources: serverMethod(streamAggregatedResources),
  deltaAggregatedResources: serverMethod(deltaAggregatedResources),
}

/** A NACK is told by error_detail alone: versions are no sign of one (xDS protocol, "NACK"). */
const askOf = ({ responseNonce, errorDetail }: DeltaDiscoveryRequest | DiscoveryRequest): Ask => ({ nonce: responseNonce, error: errorDetail?.message ?? null })

export const DELTA: Protocol<DeltaDiscoveryRequest, DeltaDiscoveryResponse, DeltaSubscription> = {
  name: 'delta',
  open: () => new DeltaSubscription(),
  receive: (subscription, request) => subscription.receive({
    ...askOf(request), subscribe: request.resourceNamesSubscribe, unsubscribe: request.resourceNamesUnsubscribe, initialVersions: request.initialResourceVersions,
  }),
  respond: ({ type, nonce, version, offer }) => create(DeltaDiscoveryResponseSchema, {
    typeUrl: type,
    nonce,
    systemVersionInfo: version,
    resources: offer.resources.map(({ name, version, body }) => ({ name, version, resource: body })),
    removedResources: [...offer.removed],
  }),
}

export const SOTW: Protocol<DiscoveryRequest, DiscoveryResponse, SotwSubscription> = {
  name: 'sotw',
  open: (type) => new SotwSubscription(type),
  receive: (subscription, request) => subscription.receive({ ...askOf(request), names: request.resourceNames, version: request.versionInfo }),
  respond: ({ type, nonce, version, offer }) => create(DiscoveryResponseSchema, {
    typeUrl: type, nonce, versionInfo: version, resources: offer.resources.map(({ body }) => body),
  }),
}
