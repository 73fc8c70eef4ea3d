import { toBinary } from '@bufbuild/protobuf'
import { anyUnpack } from '@bufbuild/protobuf/wkt'
import { ClusterSchema } from '../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import { FilterChainMatchSchema, type FilterChain } from '../src/wire/gen/xds/envoy/config/listener/v3/listener_components_pb.js'
import { ListenerSchema, type Listener } from '../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import { TcpProxySchema } from '../src/wire/gen/xds/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js'
import type { SnapshotContent } from './snapshot.ts'
import type { Validator } from './validate.ts'

/** What a proxy would refuse, or would take and break on; empty where nothing is wrong. Each in a sentence that names the resource. */
export function findProblems (content: SnapshotContent, validator: Validator): string[] {
  const { clusters, listeners } = content
  return [
    ...repeated(clusters.map(({ name }) => name)).map((name) => `two clusters are named '${name}'`),
    ...repeated(listeners.map(({ name }) => name)).map((name) => `two listeners are named '${name}'`),
    ...clusters.flatMap((cluster) => validator.check(ClusterSchema, cluster).map(({ path, rule }) => `cluster '${cluster.name}': ${path} breaks ${rule}`)),
    ...listeners.flatMap((listener) => validator.check(ListenerSchema, listener).map(({ path, rule }) => `listener '${listener.name}': ${path} breaks ${rule}`)),
    ...listeners.flatMap((listener) => listenerProblems(listener, new Set(clusters.map(({ name }) => name)))),
  ]
}

function listenerProblems (listener: Listener, clusters: ReadonlySet<string>): string[] {
  const matches = listener.filterChains.map((chain) => matchKey(chain))
  const chains = listener.defaultFilterChain === undefined ? listener.filterChains : [...listener.filterChains, listener.defaultFilterChain]
  const missing = new Set(chains.flatMap(clustersNamed).filter((name) => !clusters.has(name)))
  return [
    ...repeated(matches).map(() => `listener '${listener.name}' has two filter chains with one match`),
    ...[...missing].map((name) => `listener '${listener.name}' names the missing cluster '${name}'`),
  ]
}

const matchKey = ({ filterChainMatch }: FilterChain): string =>
  filterChainMatch === undefined ? '' : Buffer.from(toBinary(FilterChainMatchSchema, filterChainMatch)).toString('hex')

function clustersNamed (chain: FilterChain): string[] {
  return chain.filters.flatMap(({ configType }) => {
    const proxy = configType.case === 'typedConfig' ? anyUnpack(configType.value, TcpProxySchema) : undefined
    return proxy?.clusterSpecifier.case === 'cluster' ? [proxy.clusterSpecifier.value] : []
  })
}

function repeated (names: readonly string[]): string[] {
  const seen = new Set<string>()
  return [...new Set(names.filter((name) => seen.size === seen.add(name).size))]
}
