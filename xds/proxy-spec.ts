/** Where a socket is or will be; `address` is an IP literal. */
export interface SocketAddress {
  readonly address: string
  readonly port: number
}

/** A port of the proxy that stands for one of the application. */
export interface ExplicitPort {
  readonly listen: SocketAddress
  readonly upstream: SocketAddress
}

/**
 * How connections reach the proxy in front of a pod.
 * `explicit`: clients connect to the proxy's own port, which stands for one port of the application; the address that the
 * proxy listens on must not be the upstream's. `redirect`: nftables sends every inbound connection to `port`, and the
 * proxy goes on to the original destination; connections with the proxy's own uid must be left alone by the rules. What is
 * sent to `transparentPort` instead it goes on with from the client's own address, which takes NET_RAW and rules that lead
 * the answers back to it (sidecar/proxy/README.md).
 */
export type Inbound =
  | { readonly mode: 'explicit', readonly ports: readonly ExplicitPort[] }
  | { readonly mode: 'redirect', readonly port: number, readonly transparentPort?: number }

/** The proxy of one pod, as far as its resources depend on it. */
export interface ProxySpec {
  readonly podUid: string
  readonly inbound: Inbound
  /** Where a redirect sends the connections that the pod opens; null or absent where they do not pass the proxy. */
  readonly outbound?: { readonly port: number } | null
  /**
   * Ports of the application that speak cleartext HTTP/1.1 or HTTP/2 and were declared to: there requests are counted, one
   * by one. On all others bytes pass, and nothing looks into them.
   */
  readonly httpPorts?: readonly number[]
  /** Whether the proxy's keeper may destroy sockets of the pod and limit its SYNs (NET_ADMIN), and so cuts what a denied address had open; absent: it may not. */
  readonly cutsSockets?: boolean
  /** Unix socket of the pod's access log service; without one nothing is logged. */
  readonly accessLog?: { readonly socket: string } | null
}

/** Declared HTTP ports as clients name them: an explicit proxy has a port of its own for one of the application. */
export function httpPortsOf ({ inbound, httpPorts = [] }: Omit<ProxySpec, 'podUid'>): readonly number[] {
  const ports = inbound.mode === 'redirect' ? httpPorts : inbound.ports.filter(({ listen, upstream }) => httpPorts.includes(upstream.port) || httpPorts.includes(listen.port)).map(({ listen }) => listen.port)
  return [...new Set(ports)].sort((one, other) => one - other)
}
