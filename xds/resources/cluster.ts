import { create } from '@bufbuild/protobuf'
import { Cluster_DiscoveryType as DiscoveryType, Cluster_LbPolicy as LbPolicy, ClusterSchema, type Cluster } from '../../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import type { SocketAddress } from '../proxy-spec.ts'
import { duration, socketAddress } from './pack.ts'

/** Envoy's own defaults are 1024 of each: the proxy would refuse what the application takes. */
const UNLIMITED = { thresholds: [{ maxConnections: 0xffff_ffff, maxPendingRequests: 0xffff_ffff, maxRequests: 0xffff_ffff }] }
const CONNECT_TIMEOUT_MS = 5000

/** One fixed upstream. */
export function staticCluster (name: string, upstream: SocketAddress): Cluster {
  return create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: DiscoveryType.STATIC },
    connectTimeout: duration(CONNECT_TIMEOUT_MS),
    circuitBreakers: UNLIMITED,
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address: socketAddress(upstream) } } }] }],
    },
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
  })
}
