import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { TrafficDirection } from '../../src/wire/gen/xds/envoy/config/core/v3/base_pb.js'
import { ListenerSchema, type Listener } from '../../src/wire/gen/xds/envoy/config/listener/v3/listener_pb.js'
import { OriginalDstSchema } from '../../src/wire/gen/xds/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.js'
import { chainsForAnyPort, chainsForPort } from '../chain-measures.ts'
import type { SocketAddress } from '../proxy-spec.ts'
import type { PodRestrictions } from '../restriction.ts'
import { defaultChain, loopGuardChain, sourceChain } from './filter-chain.ts'
import { pack, socketAddress } from './pack.ts'

/**
 * Only `filterChains` may differ between two versions of a listener, and one of them must always be there: any other
 * change, and a list that becomes empty, drains every connection of the listener (ListenerImpl::supportUpdateFilterChain).
 */
function inbound (name: string, init: MessageInitShape<typeof ListenerSchema>): Listener {
  return create(ListenerSchema, { name, statPrefix: name.replaceAll(/[^a-z0-9]/g, '_'), trafficDirection: TrafficDirection.INBOUND, ...init })
}

/** Stands before one port of the application. */
export function portListener (name: string, listen: SocketAddress, cluster: string, restrictions: PodRestrictions): Listener {
  return inbound(name, {
    address: socketAddress(listen),
    filterChains: [defaultChain(cluster), ...chainsForPort(restrictions, listen.port).map((chain) => sourceChain(chain, cluster))],
  })
}

/** Takes every inbound connection of the pod, IPv4 and IPv6, from a redirect. */
export function redirectListener (name: string, port: number, cluster: string, restrictions: PodRestrictions): Listener {
  const chains = chainsForAnyPort(restrictions).filter((chain) => chain.port !== port) // those connections are the guard's
  return inbound(name, {
    address: { address: { case: 'socketAddress', value: { address: '::', portSpecifier: { case: 'portValue', value: port }, ipv4Compat: true } } },
    listenerFilters: [{ name: 'envoy.filters.listener.original_dst', configType: { case: 'typedConfig', value: pack(OriginalDstSchema, {}) } }],
    // Not one of the list: the ports that chains name are looked up first, and there only this one is fallen back to.
    defaultFilterChain: defaultChain(cluster),
    filterChains: [loopGuardChain(port), ...chains.map((chain) => sourceChain(chain, cluster))],
  })
}
