import { bootstrapFile } from '../../xds/bootstrap.ts'
import { adminSocketOf, RealEnvoy } from '../xds/real-envoy.ts'

const typed = (kind: string, config: object = {}): object => ({ '@type': `type.googleapis.com/${kind}`, ...config })
const filters = (name: string, kind: string, config: object): object[] => [{ name, typed_config: typed(kind, { stat_prefix: 'plain', ...config }) }]

/**
 * An Envoy that its makers would call plain, behind a redirect to `port` in the network of a process: a tcp_proxy, on
 * `httpPort` an HTTP connection manager, both as they are by default, and one cluster.
 */
export function plainEnvoy ({ port, httpPort, networkOf }: { readonly port: number, readonly httpPort: number, readonly networkOf: number }): Promise<RealEnvoy> {
  const cluster = 'original-destination'
  const tcp = filters('envoy.filters.network.tcp_proxy', 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', { cluster })
  const http = filters('envoy.filters.network.http_connection_manager', 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: typed('envoy.extensions.filters.http.router.v3.Router') }],
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster } }] }] },
  })
  return RealEnvoy.startOn((folder) => Promise.resolve([{
    path: bootstrapFile(folder),
    text: JSON.stringify({
      admin: { address: { pipe: { path: adminSocketOf(folder) } } },
      static_resources: {
        listeners: [{
          address: { socket_address: { address: '::', port_value: port, ipv4_compat: true } },
          listener_filters: [{ name: 'envoy.filters.listener.original_dst', typed_config: typed('envoy.extensions.filters.listener.original_dst.v3.OriginalDst') }],
          default_filter_chain: { filters: tcp },
          filter_chains: [{ filter_chain_match: { destination_port: httpPort }, filters: http }],
        }],
        clusters: [{ name: cluster, type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED' }],
      },
    }),
  }]), networkOf)
}
