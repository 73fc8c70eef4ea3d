import { isMessage, type DescMessage, type Message, type MessageShape } from '@bufbuild/protobuf'
import { Cluster_DiscoveryType as DiscoveryType, ClusterSchema } from '../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import type { ConfigSource } from '../src/wire/gen/xds/envoy/config/core/v3/config_source_pb.js'
import { GrpcService_EnvoyGrpcSchema as EnvoyGrpcSchema } from '../src/wire/gen/xds/envoy/config/core/v3/grpc_service_pb.js'
import { FilterSchema, ListenerFilterSchema } from '../src/wire/gen/xds/envoy/config/listener/v3/listener_components_pb.js'
import { RouteActionSchema, type RouteAction } from '../src/wire/gen/xds/envoy/config/route/v3/route_components_pb.js'
import { HttpFilterSchema, RdsSchema } from '../src/wire/gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { TcpProxySchema, type TcpProxy } from '../src/wire/gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
import { SdsSecretConfigSchema } from '../src/wire/gen/xds/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { CLUSTER, ENDPOINT, EXTENSION, ROUTE, SECRET } from './resource-type.ts'

/** A resource that another one needs: without it the proxy waits, or fails what it carries. */
export interface Reference {
  readonly type: string
  readonly name: string
}

/** The name is looked up on this very stream. */
const overAds = (source: ConfigSource | undefined): boolean => source?.configSourceSpecifier.case === 'ads'

const toCluster = (name: string): Reference => ({ type: CLUSTER, name })

function toClusters (to: TcpProxy['clusterSpecifier'] | RouteAction['clusterSpecifier']): Reference[] {
  if (to.case === 'cluster') return [toCluster(to.value)]
  return to.case === 'weightedClusters' ? to.value.clusters.map(({ name }) => toCluster(name)) : []
}

interface Discovered { readonly name: string, readonly configType: { case: string | undefined, value?: unknown } }
const extension = ({ name, configType }: Discovered): Reference[] => configType.case === 'configDiscovery' ? [{ type: EXTENSION, name }] : []

const when = <Schema extends DescMessage>(schema: Schema, read: (message: MessageShape<Schema>) => Reference[]): [string, (message: Message) => Reference[]] =>
  [schema.typeName, (message) => isMessage(message, schema) ? read(message) : []]

/** Every message by which one of our resources can name another. */
const READERS: ReadonlyMap<string, (message: Message) => Reference[]> = new Map([
  when(TcpProxySchema, ({ clusterSpecifier }) => toClusters(clusterSpecifier)),
  when(RouteActionSchema, ({ clusterSpecifier }) => toClusters(clusterSpecifier)),
  when(EnvoyGrpcSchema, ({ clusterName }) => [toCluster(clusterName)]),
  when(RdsSchema, ({ configSource, routeConfigName }) => overAds(configSource) ? [{ type: ROUTE, name: routeConfigName }] : []),
  when(SdsSecretConfigSchema, ({ sdsConfig, name }) => overAds(sdsConfig) ? [{ type: SECRET, name }] : []),
  when(ClusterSchema, ({ name, clusterDiscoveryType: how, edsClusterConfig: eds }) =>
    how.case === 'type' && how.value === DiscoveryType.EDS ? [{ type: ENDPOINT, name: eds === undefined || eds.serviceName === '' ? name : eds.serviceName }] : []),
  when(FilterSchema, extension),
  when(ListenerFilterSchema, extension),
  when(HttpFilterSchema, extension),
])

/** What this message itself names; not what is inside it. */
export function referencesOf (message: Message): readonly Reference[] {
  return READERS.get(message.$typeName)?.(message) ?? []
}
