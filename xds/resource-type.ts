import type { DescMessage } from '@bufbuild/protobuf'
import { ClusterSchema } from '../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import { TypedExtensionConfigSchema } from '../src/wire/gen/xds/envoy/config/core/v3/extension_pb.js'
import { ClusterLoadAssignmentSchema } from '../src/wire/gen/xds/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema } from '../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import { RouteConfigurationSchema } from '../src/wire/gen/xds/envoy/config/route/v3/route_pb.js'
import { SecretSchema } from '../src/wire/gen/xds/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'

const typeUrl = (schema: DescMessage): string => `type.googleapis.com/${schema.typeName}`

export const CLUSTER = typeUrl(ClusterSchema)
export const ENDPOINT = typeUrl(ClusterLoadAssignmentSchema)
export const LISTENER = typeUrl(ListenerSchema)
export const ROUTE = typeUrl(RouteConfigurationSchema)
export const SECRET = typeUrl(SecretSchema)
export const EXTENSION = typeUrl(TypedExtensionConfigSchema)

/**
 * Every type that is served, in the order in which changes are sent: what is named comes before what names it
 * (xDS protocol, "Eventual consistency considerations": CDS, EDS, LDS, RDS).
 */
export const RESOURCE_ORDER: readonly string[] = [CLUSTER, ENDPOINT, LISTENER, ROUTE, SECRET, EXTENSION]

/** As the protocol's documents call them, for people. */
export const TYPE_WORD: Readonly<Record<string, string>> = {
  [CLUSTER]: 'cluster', [ENDPOINT]: 'endpoints', [LISTENER]: 'listener', [ROUTE]: 'route configuration', [SECRET]: 'secret', [EXTENSION]: 'extension configuration',
}

/**
 * The types of which a state-of-the-world response holds everything that the client should have: what is missing is
 * removed, and an empty response removes all (xDS protocol, "Grouping Resources into Responses", "Deleting Resources").
 */
export function isFullState (type: string): boolean {
  return type === CLUSTER || type === LISTENER
}
