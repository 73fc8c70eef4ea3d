import { LOG_SOCKET } from '../src/core/injection/names.ts'
import type { Pod } from '../src/core/pod.ts'
import type { ProxySpec } from './proxy-spec.ts'

/** Reaches applications that listen on every address or on loopback alone; those on loopback can be reached by the proxy only. */
const APPLICATION = '127.0.0.1'

/** The proxy that was injected into a pod; null where there is none, or where it cannot listen yet because the pod has no address. */
export function proxySpecOf ({ uid, addresses, proxy }: Pick<Pod, 'uid' | 'addresses' | 'proxy'>): ProxySpec | null {
  if (proxy == null) return null
  const { outboundPort, httpPorts, transparentPort } = proxy
  const rest = {
    outbound: outboundPort === null ? null : { port: outboundPort },
    httpPorts,
    accessLog: proxy.accessLog === true ? { socket: LOG_SOCKET } : null,
  }
  // Whoever may redirect may destroy sockets: both need NET_ADMIN.
  if (proxy.mode === 'redirect') return { podUid: uid, inbound: { mode: 'redirect', port: proxy.inboundPort, ...transparentPort === undefined ? {} : { transparentPort } }, ...rest, cutsSockets: true }
  const ports = addresses.flatMap((address) => proxy.explicitPorts.map(({ listen, application }) => ({ listen: { address, port: listen }, upstream: { address: APPLICATION, port: application } })))
  return ports.length === 0 ? null : { podUid: uid, inbound: { mode: 'explicit', ports }, ...rest }
}
