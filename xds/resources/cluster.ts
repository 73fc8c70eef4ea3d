import { create } from '@bufbuild/protobuf'
import { Cluster_DiscoveryType as DiscoveryType, Cluster_LbPolicy as LbPolicy, ClusterSchema, type Cluster } from '../../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import { HttpProtocolOptionsSchema } from '../../src/wire/gen/xds/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js'
import type { SocketAddress } from '../proxy-spec.ts'
import { AS_WRITTEN } from './header-case.ts'
import { oneEndpoint } from './one-endpoint.ts'
import { duration, pack, socketAddress } from './pack.ts'

/** Envoy's own defaults are 1024 of each: the proxy would refuse what the application takes. */
const UNLIMITED = { thresholds: [{ maxConnections: 0xffff_ffff, maxPendingRequests: 0xffff_ffff, maxRequests: 0xffff_ffff }] }
const CONNECT_TIMEOUT_MS = 5000

/**
 * Where requests are seen: the application is spoken to in the protocol of the client, on a connection that is the
 * client's alone, for some applications know their client by its connection.
 */
const AS_THE_CLIENT = {
  connectionPoolPerDownstreamConnection: true,
  typedExtensionProtocolOptions: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': pack(HttpProtocolOptionsSchema, {
      upstreamProtocolOptions: { case: 'useDownstreamProtocolConfig', value: { httpProtocolOptions: AS_WRITTEN, http2ProtocolOptions: {} } },
      commonHttpProtocolOptions: { idleTimeout: duration(0) },
    }),
  },
}

/** One fixed upstream. */
export function staticCluster (name: string, upstream: SocketAddress): Cluster {
  return create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: DiscoveryType.STATIC },
    connectTimeout: duration(CONNECT_TIMEOUT_MS),
    circuitBreakers: UNLIMITED,
    ...AS_THE_CLIENT,
    loadAssignment: oneEndpoint(name, socketAddress(upstream)),
  })
}

/** Wherever the client wanted to go before the redirect. */
export function originalDestinationCluster (name: string): Cluster {
  return create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: DiscoveryType.ORIGINAL_DST },
    lbPolicy: LbPolicy.CLUSTER_PROVIDED,
    connectTimeout: duration(CONNECT_TIMEOUT_MS),
    circuitBreakers: UNLIMITED,
    ...AS_THE_CLIENT,
  })
}
