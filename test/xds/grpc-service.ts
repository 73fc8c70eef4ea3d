import { create } from '@bufbuild/protobuf'
import { Cluster_DiscoveryType as DiscoveryType, ClusterSchema } from '../../src/wire/gen/xds/envoy/config/cluster/v3/cluster_pb.js'
import { ClusterLoadAssignmentSchema } from '../../src/wire/gen/xds/envoy/config/endpoint/v3/endpoint_pb.js'
import { ListenerSchema } from '../../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import { RouteConfigurationSchema } from '../../src/wire/gen/xds/envoy/config/route/v3/route_pb.js'
import { RouterSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/http/router/v3/router_pb.js'
import { HttpConnectionManagerSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js'
import { pack, socketAddress } from '../../xds/resources/pack.ts'
import { createSnapshot, type Snapshot } from '../../xds/snapshot.ts'
import type { SnapshotSource, Subscriber } from '../../xds/snapshot-source.ts'

const ADS = { configSourceSpecifier: { case: 'ads', value: {} }, resourceApiVersion: 2 } as const // 2: ApiVersion.V3

export const SERVICE = 'names.autoshield.test'

/** A service as gRPC's clients learn it: an ApiListener that names a route configuration, which names a cluster, which has endpoints. */
export function serviceSnapshot (routedTo: string, endpoints: Readonly<Record<string, number>>, routes = 'routes'): Snapshot {
  const manager = pack(HttpConnectionManagerSchema, {
    routeSpecifier: { case: 'rds', value: { routeConfigName: routes, configSource: ADS } },
    httpFilters: [{ name: 'router', configType: { case: 'typedConfig', value: pack(RouterSchema, {}) } }],
  })
  return createSnapshot({
    listeners: [create(ListenerSchema, { name: SERVICE, apiListener: { apiListener: manager } })],
    routes: [create(RouteConfigurationSchema, {
      name: routes,
      virtualHosts: [{ name: SERVICE, domains: ['*'], routes: [{ match: { pathSpecifier: { case: 'prefix', value: '' } }, action: { case: 'route', value: { clusterSpecifier: { case: 'cluster', value: routedTo } } } }] }],
    })],
    clusters: Object.keys(endpoints).map((name) => create(ClusterSchema, { name, clusterDiscoveryType: { case: 'type', value: DiscoveryType.EDS }, edsClusterConfig: { edsConfig: ADS } })),
    endpoints: Object.entries(endpoints).map(([clusterName, port]) => create(ClusterLoadAssignmentSchema, {
      clusterName,
      endpoints: [{
        locality: { region: 'here' },
        loadBalancingWeight: 1,
        lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address: socketAddress({ address: '127.0.0.1', port }) } } }],
      }],
    })),
  }, [])
}

/** One snapshot for everybody, set by a test. */
export class SetSource implements SnapshotSource {
  readonly #subscribers = new Set<Subscriber>()
  #snapshot: Snapshot

  constructor (snapshot: Snapshot) {
    this.#snapshot = snapshot
  }

  set (snapshot: Snapshot): void {
    this.#snapshot = snapshot
    for (const subscriber of this.#subscribers) subscriber.update(snapshot)
  }

  /** What each client that is connected made of the newest. */
  standings (): string[] {
    return [...this.#subscribers].map((subscriber) => {
      const { state, message } = subscriber.standing()
      return message === '' ? state : `${state}: ${message}`
    })
  }

  current (): Snapshot {
    return this.#snapshot
  }

  connect (_podUid: string, subscriber: Subscriber): Disposable {
    this.#subscribers.add(subscriber)
    return { [Symbol.dispose]: () => { this.#subscribers.delete(subscriber) } }
  }

  answered (): void { /* asked by `standings` */ }
  expire (): void { /* nothing here expires */ }
}
