import { createRegistry } from '@bufbuild/protobuf'
import { ClusterSchema } from '../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import { TypedExtensionConfigSchema } from '../src/wire/gen/xds/envoy/config/core/v3/extension_pb.js'
import { ClusterLoadAssignmentSchema } from '../src/wire/gen/xds/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema } from '../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import { RouteSchema } from '../src/wire/gen/xds/envoy/config/route/v3/route_components_pb.js'
import { RouteConfigurationSchema } from '../src/wire/gen/xds/envoy/config/route/v3/route_pb.js'
import { HttpGrpcAccessLogConfigSchema, TcpGrpcAccessLogConfigSchema } from '../src/wire/gen/xds/envoy/extensions/access_loggers/grpc/v3/als_pb.js'
import { LocalRateLimitSchema as HttpLocalRateLimitSchema } from '../src/wire/gen/xds/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.js'
import { RBACPerRouteSchema, RBACSchema as HttpRbacSchema } from '../src/wire/gen/xds/envoy/extensions/filters/http/rbac/v3/rbac_pb.js'
import { RouterSchema } from '../src/wire/gen/xds/envoy/extensions/filters/http/router/v3/router_pb.js'
import { OriginalDstSchema } from '../src/wire/gen/xds/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js'
import { OriginalSrcSchema } from '../src/wire/gen/xds/envoy/extensions/filters/listener/original_src/v3/original_src_pb.js'
import { ConnectionLimitSchema } from '../src/wire/gen/xds/envoy/extensions/filters/network/connection_limit/v3/connection_limit_pb.js'
import { ConfigSchema as DirectResponseSchema } from '../src/wire/gen/xds/envoy/extensions/filters/network/direct_response/v3/config_pb.js'
import { HttpConnectionManagerSchema } from '../src/wire/gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { LocalRateLimitSchema } from '../src/wire/gen/xds/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit_pb.js'
import { RBACSchema } from '../src/wire/gen/xds/envoy/extensions/filters/network/rbac/v3/rbac_pb.js'
import { ConfigSchema as SetFilterStateSchema } from '../src/wire/gen/xds/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.js'
import { TcpBandwidthLimitSchema } from '../src/wire/gen/xds/envoy/extensions/filters/network/tcp_bandwidth_limit/v3/tcp_bandwidth_limit_pb.js'
import { TcpProxySchema } from '../src/wire/gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
import { PreserveCaseFormatterConfigSchema } from '../src/wire/gen/xds/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb.js'
import { FilterStateInputSchema } from '../src/wire/gen/xds/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb.js'
import { DownstreamConnectionsConfigSchema } from '../src/wire/gen/xds/envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections_pb.js'
import { FixedHeapConfigSchema } from '../src/wire/gen/xds/envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap_pb.js'
import { SecretSchema } from '../src/wire/gen/xds/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { DownstreamTlsContextSchema, UpstreamTlsContextSchema } from '../src/wire/gen/xds/envoy/extensions/transport_sockets/tls/v3/tls_pb.js'
import { HttpProtocolOptionsSchema } from '../src/wire/gen/xds/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'

/** Every message that we put into an Any, so that resources can be checked inside and written as JSON. */
export const REGISTRY = createRegistry(
  ClusterSchema, ClusterLoadAssignmentSchema, ListenerSchema, RouteConfigurationSchema, SecretSchema, TypedExtensionConfigSchema,
  OriginalDstSchema, OriginalSrcSchema, ConnectionLimitSchema, DirectResponseSchema, LocalRateLimitSchema, RBACSchema, TcpBandwidthLimitSchema, TcpProxySchema,
  HttpConnectionManagerSchema, RouterSchema, HttpLocalRateLimitSchema, HttpRbacSchema, RBACPerRouteSchema, RouteSchema, SetFilterStateSchema, FilterStateInputSchema, PreserveCaseFormatterConfigSchema,
  DownstreamTlsContextSchema, UpstreamTlsContextSchema, HttpProtocolOptionsSchema,
  HttpGrpcAccessLogConfigSchema, TcpGrpcAccessLogConfigSchema, DownstreamConnectionsConfigSchema, FixedHeapConfigSchema
)
