import { create } from '@bufbuild/protobuf'
import { httpChainName, peerChainName, synLimitName, type SynLimit } from '../../src/wire/chain-name.ts'
import { FilterChainSchema, type FilterChain } from '../../src/wire/gen/xds/envoy/config/listener/v3/listener_components_pb.js'
import { ConnectionLimitSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/network/connection_limit/v3/connection_limit_pb.js'
import { ConfigSchema as DirectResponseSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/network/direct_response/v3/config_pb.js'
import { LocalRateLimitSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit_pb.js'
import { RBACSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/network/rbac/v3/rbac_pb.js'
import { TcpBandwidthLimitSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/network/tcp_bandwidth_limit/v3/tcp_bandwidth_limit_pb.js'
import { TcpProxySchema } from '../../src/wire/gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
import { statPrefixOf, type PeerChain } from '../chain-measures.ts'
import { COUNT_ALL } from './count-all.ts'
import { httpByRoutes, httpOfPeer, sourceMark } from './http.ts'
import { duration, pack, type NetworkFilter } from './pack.ts'
import { tokenBucket } from './token-bucket.ts'

const toFilter = ({ name, config }: NetworkFilter) => ({ name, configType: { case: 'typedConfig' as const, value: config } })

/** Passes bytes through for as long as the two ends like: Envoy alone would cut a connection after an idle hour. */
function tcpProxy (cluster: string, statPrefix: string): NetworkFilter {
  return {
    name: 'envoy.filters.network.tcp_proxy',
    config: pack(TcpProxySchema, { statPrefix, clusterSpecifier: { case: 'cluster', value: cluster }, idleTimeout: duration(0) }),
  }
}

/** Closes the connection at once, before anything is connected upstream. */
const directResponse = (): NetworkFilter => ({ name: 'envoy.filters.network.direct_response', config: pack(DirectResponseSchema, {}) })

/**
 * connection_limit comes first: it counts a connection down when it closes, also one that a filter before it closed and
 * that it never counted up. Behind local_ratelimit Envoy 1.40 went to -3 connections and refused every one from then on.
 */
function limits ({ side, peer, measures: { connectionsPerSecond, connections, kibPerSecond } }: PeerChain, statPrefix: string): NetworkFilter[] {
  const filters: NetworkFilter[] = []
  if (connections !== null) {
    filters.push({ name: 'envoy.filters.network.connection_limit', config: pack(ConnectionLimitSchema, { statPrefix, maxConnections: BigInt(connections) }) })
  }
  if (connectionsPerSecond !== null) {
    // With a key the bucket lives on when this chain changes, and is the same in the peer's chains for other ports.
    const shareKey = `${side}/${peer}/${String(connectionsPerSecond.ports)}`
    filters.push({ name: 'envoy.filters.network.local_ratelimit', config: pack(LocalRateLimitSchema, { statPrefix, tokenBucket: tokenBucket(connectionsPerSecond), shareKey }) })
  }
  if (kibPerSecond !== null) {
    const limit = BigInt(kibPerSecond)
    filters.push({ name: 'envoy.filters.network.tcp_bandwidth_limit', config: pack(TcpBandwidthLimitSchema, { statPrefix, readLimitKbps: limit, writeLimitKbps: limit }) })
  }
  return filters
}

/** Counts the connections that a restriction would have touched, at their first bytes (`<statPrefix>.rbac.shadow_denied`), and lets them pass. */
function shadowCount (statPrefix: string): NetworkFilter {
  return {
    name: 'envoy.filters.network.rbac',
    config: pack(RBACSchema, {
      statPrefix: `${statPrefix}.`,
      shadowRules: COUNT_ALL,
    }),
  }
}

/** What holds for everybody else: unchanged passage, whoever the source is. While the listener lives it must not change: that would drain everybody. */
export function defaultChain (cluster: string): FilterChain {
  return create(FilterChainSchema, { name: 'default', filters: [toFilter(tcpProxy(cluster, 'default'))] })
}

/**
 * The same on a port where requests are seen. By its routes (`RouteConfiguration` of that name) restrictions reach
 * connections that were open before: a change of routes drains nobody.
 */
export function httpDefaultChain (routes: string, port: number | null): FilterChain {
  return create(FilterChainSchema, {
    name: port === null ? 'default' : httpChainName(port),
    ...(port === null ? {} : { filterChainMatch: { destinationPort: port } }),
    filters: [sourceMark(), httpByRoutes(routes)].map(toFilter),
  })
}

/** A peer's own chain: what is in it concerns no other peer, and changing it drains nobody else. */
export function peerChain (chain: PeerChain, cluster: string): FilterChain {
  const { side, peer, port, layer, measures } = chain
  const statPrefix = statPrefixOf(chain)
  const passage = layer === 'http' ? httpOfPeer(cluster, statPrefix, measures) : tcpProxy(cluster, statPrefix)
  const filters = measures.deny ? [directResponse()] : [...measures.shadow ? [shadowCount(statPrefix)] : [], ...limits(chain, statPrefix), passage]
  const range = [{ addressPrefix: peer, prefixLen: peer.includes(':') ? 128 : 32 }]
  return create(FilterChainSchema, {
    name: peerChainName({ side, address: peer, port }),
    filterChainMatch: {
      ...(side === 'source' ? { sourcePrefixRanges: range } : { prefixRanges: range }),
      ...(port === null ? {} : { destinationPort: port }),
    },
    filters: filters.map(toFilter),
  })
}

/** Closes what reaches the redirect's own port without a redirect: passed on, it would come back to itself for ever. */
export function loopGuardChain (port: number, name = 'loop-guard'): FilterChain {
  return create(FilterChainSchema, { name, filterChainMatch: { destinationPort: port }, filters: [toFilter(directResponse())] })
}

/**
 * Tells the proxy's keeper of a limit, in a chain that no connection goes by: to the redirect's own port, from addresses that nobody has
 * (0.0.0.0/8). A chain more drains nobody.
 */
export function synLimitChain (limit: SynLimit, port: number, at: number): FilterChain {
  return create(FilterChainSchema, {
    name: synLimitName(limit),
    filterChainMatch: { destinationPort: port, sourcePrefixRanges: [{ addressPrefix: `0.0.${at >> 8}.${at & 255}`, prefixLen: 32 }] },
    filters: [toFilter(directResponse())],
  })
}
