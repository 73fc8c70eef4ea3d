import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { TrafficDirection } from '../../src/wire/gen/xds/envoy/config/core/v3/base_pb.js'
import type { FilterChain } from '../../src/wire/gen/xds/envoy/config/listener/v3/listener_components_pb.js'
import { ListenerSchema, type Listener } from '../../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import { OriginalDstSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js'
import { OriginalSrcSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/listener/original_src/v3/original_src_pb.js'
import { chainsForAnyPort, chainsForPort, synLimitsOf, type Layer, type PeerChain } from '../chain-measures.ts'
import type { SocketAddress } from '../proxy-spec.ts'
import type { PeerRestrictions, PodRestrictions } from '../restriction.ts'
import { defaultChain, httpDefaultChain, loopGuardChain, peerChain, synLimitChain } from './filter-chain.ts'
import { pack, socketAddress } from './pack.ts'

/**
 * Only `filterChains` may differ between two versions of a listener, and one of them must always be there: any other
 * change, and a list that becomes empty, drains every connection of the listener (ListenerImpl::supportUpdateFilterChain).
 */
function listener (name: string, trafficDirection: TrafficDirection, init: MessageInitShape<typeof ListenerSchema>): Listener {
  return create(ListenerSchema, { name, statPrefix: name.replaceAll(/[^a-z0-9]/g, '_'), trafficDirection, ...init })
}

/** Stands before one port of the application; where requests are seen, `routes` names the RouteConfiguration. */
export function portListener (name: string, listen: SocketAddress, { cluster, layer, routes }: { cluster: string, layer: Layer, routes: string }, restrictions: PeerRestrictions): Listener {
  return listener(name, TrafficDirection.INBOUND, {
    address: socketAddress(listen),
    filterChains: [
      layer === 'http' ? httpDefaultChain(routes, null) : defaultChain(cluster),
      ...chainsForPort(restrictions, listen.port, layer).map((chain) => peerChain(chain, cluster)),
    ],
  })
}

/** Where a redirect ends. What comes by `transparentPort` goes on from its client's own address. */
export interface RedirectPorts {
  readonly port: number
  readonly transparentPort?: number
}

/** Takes every inbound connection of the pod, IPv4 and IPv6, from a redirect. `http` gives the name of the routes for each port where requests are seen. */
export function inboundRedirect (name: string, ports: RedirectPorts, cluster: string, http: ReadonlyMap<number, string>, { inbound, everybody }: Pick<PodRestrictions, 'inbound' | 'everybody'>): Listener {
  return redirect(name, TrafficDirection.INBOUND, ports, cluster, [
    ...synLimitsOf(everybody).map((limit, at) => synLimitChain(limit, ports.port, at)),
    ...[...http].map(([httpPort, routes]) => httpDefaultChain(routes, httpPort)),
    ...chainsForAnyPort('source', inbound, [...http.keys()]).filter(isNotGuarded(ports)).map((chain) => peerChain(chain, cluster)),
  ])
}

/** Takes every connection that the pod opens from a redirect. */
export function outboundRedirect (name: string, port: number, cluster: string, restrictions: PeerRestrictions): Listener {
  return redirect(name, TrafficDirection.OUTBOUND, { port }, cluster, chainsForAnyPort('destination', restrictions, []).filter(isNotGuarded({ port })).map((chain) => peerChain(chain, cluster)))
}

/** Connections to the redirect's own ports are the guard's. */
const isNotGuarded = ({ port, transparentPort }: RedirectPorts) => (chain: PeerChain): boolean => chain.port !== port && chain.port !== transparentPort

function redirect (name: string, direction: TrafficDirection, { port, transparentPort }: RedirectPorts, cluster: string, chains: readonly FilterChain[]): Listener {
  const guards = [loopGuardChain(port), ...transparentPort === undefined ? [] : [loopGuardChain(transparentPort, 'loop-guard/transparent')]]
  return listener(name, direction, {
    address: anyAddress(port),
    additionalAddresses: transparentPort === undefined ? [] : [{ address: anyAddress(transparentPort) }],
    // The source first: the destination's filter puts another port in the place of the one that it goes by.
    listenerFilters: [...transparentPort === undefined ? [] : [originalSource(port)], originalDestination()],
    // Not one of the list: the ports that chains name are looked up first, and there only this one is fallen back to.
    defaultFilterChain: defaultChain(cluster),
    filterChains: [...guards, ...chains],
  })
}

const anyAddress = (port: number) => ({ address: { case: 'socketAddress' as const, value: { address: '::', portSpecifier: { case: 'portValue' as const, value: port }, ipv4Compat: true } } })

type ListenerFilter = NonNullable<MessageInitShape<typeof ListenerSchema>['listenerFilters']>[number]

const originalDestination = (): ListenerFilter => ({ name: 'envoy.filters.listener.original_dst', configType: { case: 'typedConfig', value: pack(OriginalDstSchema, {}) } })

/** Envoy connects from the address of its client, at a port of its own choice, unless that came by `except`. */
const originalSource = (except: number): ListenerFilter => ({
  name: 'envoy.filters.listener.original_src',
  configType: { case: 'typedConfig', value: pack(OriginalSrcSchema, {}) },
  filterDisabled: { rule: { case: 'destinationPortRange', value: { start: except, end: except + 1 } } },
})
