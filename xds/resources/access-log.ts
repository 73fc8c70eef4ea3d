import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { TAG } from '../../src/wire/access-log-tags.ts'
import { AccessLogFilterSchema, AccessLogSchema, LogTypeFilterSchema, type AccessLog } from '../../src/wire/gen/xds/envoy/config/accesslog/v3/accesslog_pb.js'
import { Cluster_DiscoveryType as DiscoveryType, ClusterSchema, type Cluster } from '../../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import { ApiVersion } from '../../src/wire/gen/xds/envoy/config/core/v3/config_source_pb.js'
import type { Filter, FilterChain } from '../../src/wire/gen/xds/envoy/config/listener/v3/listener_components_pb.js'
import type { Listener } from '../../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import { AccessLogType } from '../../src/wire/gen/xds/envoy/data/accesslog/v3/accesslog_pb.js'
import { HttpGrpcAccessLogConfigSchema, TcpGrpcAccessLogConfigSchema, type CommonGrpcAccessLogConfigSchema } from '../../src/wire/gen/xds/envoy/extensions/access_loggers/grpc/v3/als_pb.js'
import { HttpConnectionManagerSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { TcpProxySchema } from '../../src/wire/gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
import { HttpProtocolOptionsSchema } from '../../src/wire/gen/xds/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'
import type { SnapshotContent } from '../snapshot.ts'
import { oneEndpoint } from './one-endpoint.ts'
import { duration, pack } from './pack.ts'

const CLUSTER = 'access-log'
/** An entry waits for so long at most: the observer's shortest window is 500 ms. */
const FLUSH_MS = 100
/** How often a connection that stays open is told of. */
const PERIOD_MS = 500
/** Envoy takes nothing shorter for HTTP. */
const HTTP_PERIOD_MS = 1_000

/**
 * The same resources with everything logged to the service on `socket`. The listener's own log tells of each connection when it is over,
 * whatever stopped it; the tcp_proxy's, of those that are open (both would tell of the end twice); the HTTP connection manager's, of
 * requests. All loggers of one kind are configured alike: Envoy opens one stream for each that differs.
 */
export function withAccessLog (content: Partial<SnapshotContent>, socket: string): Partial<SnapshotContent> {
  const { clusters = [], listeners = [] } = content
  return { ...content, clusters: [...clusters, logCluster(socket)], listeners: listeners.map(logged) }
}

function logCluster (path: string): Cluster {
  return create(ClusterSchema, {
    name: CLUSTER,
    clusterDiscoveryType: { case: 'type', value: DiscoveryType.STATIC },
    connectTimeout: duration(1_000),
    loadAssignment: oneEndpoint(CLUSTER, { address: { case: 'pipe', value: { path } } }),
    typedExtensionProtocolOptions: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': pack(HttpProtocolOptionsSchema, {
        upstreamProtocolOptions: { case: 'explicitHttpConfig', value: { protocolConfig: { case: 'http2ProtocolOptions', value: {} } } },
      }),
    },
  })
}

function logged (listener: Listener): Listener {
  const port = portOf(listener)
  return {
    ...listener,
    accessLog: [tcpLog(port)],
    filterChains: listener.filterChains.map((chain) => withFilters(chain, port)),
    ...(listener.defaultFilterChain === undefined ? {} : { defaultFilterChain: withFilters(listener.defaultFilterChain, port) }),
  }
}

/** Null where it takes connections to any port. */
function portOf ({ listenerFilters, address }: Listener): number | null {
  const { case: kind, value } = address?.address ?? {}
  if (kind !== 'socketAddress' || value?.portSpecifier.case !== 'portValue') return null
  return listenerFilters.some(({ name }) => name === 'envoy.filters.listener.original_dst') ? null : value.portSpecifier.value
}

const withFilters = (chain: FilterChain, port: number | null): FilterChain => ({ ...chain, filters: chain.filters.map((filter) => loggedFilter(filter, port)) })

/** Filters that pass nothing on are left as they are: what they did is in the listener's log. */
function loggedFilter (filter: Filter, port: number | null): Filter {
  const { configType } = filter
  const addition = configType.case === 'typedConfig' ? additionTo(configType.value.typeUrl, port) : null
  if (configType.case !== 'typedConfig' || addition === null) return filter
  const { value: config } = configType
  // Of two encoded messages that are put together, the fields of both hold (protobuf, "Last One Wins").
  const value = { ...config, value: Uint8Array.from(Buffer.concat([config.value, addition])) }
  return { ...filter, configType: { case: 'typedConfig', value } }
}

function additionTo (typeUrl: string, port: number | null): Uint8Array | null {
  switch (typeUrl.slice(typeUrl.lastIndexOf('/') + 1)) {
    case TcpProxySchema.typeName: return toBinary(TcpProxySchema, create(TcpProxySchema, {
      accessLog: [openOnly(tcpLog(port))],
      accessLogOptions: { flushAccessLogOnConnected: true, accessLogFlushInterval: duration(PERIOD_MS) },
    }))
    case HttpConnectionManagerSchema.typeName: return toBinary(HttpConnectionManagerSchema, create(HttpConnectionManagerSchema, {
      accessLog: [httpLog(port)],
      accessLogOptions: { accessLogFlushInterval: duration(HTTP_PERIOD_MS) },
    }))
    default: return null
  }
}

function tcpLog (port: number | null): AccessLog {
  return create(AccessLogSchema, {
    name: 'envoy.access_loggers.tcp_grpc',
    configType: { case: 'typedConfig', value: pack(TcpGrpcAccessLogConfigSchema, { commonConfig: common(port) }) },
  })
}

function httpLog (port: number | null): AccessLog {
  return create(AccessLogSchema, {
    name: 'envoy.access_loggers.http_grpc',
    configType: { case: 'typedConfig', value: pack(HttpGrpcAccessLogConfigSchema, { commonConfig: common(port) }) },
  })
}

function openOnly (log: AccessLog): AccessLog {
  const value = create(LogTypeFilterSchema, { types: [AccessLogType.TcpUpstreamConnected, AccessLogType.TcpPeriodic] })
  return { ...log, filter: create(AccessLogFilterSchema, { filterSpecifier: { case: 'logTypeFilter', value } }) }
}

function common (port: number | null): MessageInitShape<typeof CommonGrpcAccessLogConfigSchema> {
  const formatted = (tag: string, value: string) => ({ tag, type: { case: 'value' as const, value } })
  return {
    logName: 'autoshield',
    transportApiVersion: ApiVersion.V3,
    grpcService: { targetSpecifier: { case: 'envoyGrpc', value: { clusterName: CLUSTER } } },
    bufferFlushInterval: duration(FLUSH_MS),
    customTags: [
      formatted(TAG.chain, '%FILTER_CHAIN_NAME%'),
      formatted(TAG.connection, '%CONNECTION_ID%'),
      formatted(TAG.details, '%RESPONSE_CODE_DETAILS%'),
      formatted(TAG.closed, '%DOWNSTREAM_LOCAL_CLOSE_REASON%'),
      formatted(TAG.detected, '%DOWNSTREAM_DETECTED_CLOSE_TYPE%'),
      ...(port === null ? [] : [{ tag: TAG.port, type: { case: 'literal' as const, value: { value: String(port) } } }]),
    ],
  }
}
