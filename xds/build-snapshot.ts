import { uncarried } from './chain-measures.ts'
import { httpPortsOf, type ExplicitPort, type ProxySpec } from './proxy-spec.ts'
import { withAccessLog } from './resources/access-log.ts'
import { originalDestinationCluster, staticCluster } from './resources/cluster.ts'
import { inboundRedirect, outboundRedirect, portListener, type RedirectPorts } from './resources/listener.ts'
import { routesOf } from './resources/routes.ts'
import { restrictionsOf, type Duty, type PeerRestrictions, type PodRestrictions, type Shortfall } from './restriction.ts'
import type { SnapshotContent } from './snapshot.ts'

/** What one proxy is to be told, and what it says of the duties that it was made from. */
export interface ProxyConfiguration {
  readonly content: Partial<SnapshotContent>
  /** Names of the mitigations that it carries, sorted. */
  readonly mitigations: readonly string[]
  /** Duties, or parts of them, that this pod's proxy cannot carry. */
  readonly shortfalls: readonly Shortfall[]
}

const NOBODY: PeerRestrictions = new Map()

const NO_KEEPER = 'all sources together are limited by their SYNs, in the pod\'s network: that takes a redirect to the proxy, whose keeper may do it (autoshield.dev/proxy: enabled)'

/**
 * Everything that the proxy of one pod needs: passage for everybody, and each restricted peer's own chain. Equal input
 * gives equal resources. `podUid` is not read, so that pods that differ in nothing else share theirs.
 */
export function buildSnapshot (spec: Omit<ProxySpec, 'podUid'>, duties: readonly Duty[]): ProxyConfiguration {
  const { inbound, outbound, everybody } = restrictionsOf(duties)
  const limitsSyns = spec.inbound.mode === 'redirect' && spec.cutsSockets === true
  const restrictions = { everybody: limitsSyns ? everybody : [], inbound, outbound: spec.outbound == null ? NOBODY : outbound }
  const left = [...limitsSyns ? [] : everybody.map(({ mitigation }) => ({ mitigation, message: NO_KEEPER, wholly: true })), ...uncarried(restrictions.inbound, httpPortsOf(spec)), ...uncarried(restrictions.outbound, [])]
  const wholly = new Set(left.filter((each) => each.wholly).map(({ mitigation }) => mitigation))
  const mitigations = new Set([...restrictions.everybody, ...[...restrictions.inbound.values(), ...restrictions.outbound.values()].flat()].map(({ mitigation }) => mitigation).filter((name) => !wholly.has(name)))
  const content = contentOf(spec, restrictions)
  return {
    content: spec.accessLog == null ? content : withAccessLog(content, spec.accessLog.socket),
    mitigations: [...mitigations].sort(),
    shortfalls: left.map(({ mitigation, message }) => ({ mitigation, message })),
  }
}

const REDIRECTED = 'original-destination'

function contentOf (spec: Omit<ProxySpec, 'podUid'>, restrictions: PodRestrictions): Partial<SnapshotContent> {
  const incoming = spec.inbound.mode === 'redirect' ? redirected(spec.inbound, httpPortsOf(spec), restrictions) : explicit(spec.inbound.ports, httpPortsOf(spec), restrictions)
  if (spec.outbound == null) return incoming
  const clusters = spec.inbound.mode === 'redirect' ? incoming.clusters : [...incoming.clusters, originalDestinationCluster(REDIRECTED)]
  return { ...incoming, clusters, listeners: [...incoming.listeners, outboundRedirect('outbound', spec.outbound.port, REDIRECTED, restrictions.outbound)] }
}

type Incoming = Pick<SnapshotContent, 'clusters' | 'listeners' | 'routes'>

function redirected (ports: RedirectPorts, httpPorts: readonly number[], { inbound, everybody }: PodRestrictions): Incoming {
  const http = new Map(httpPorts.map((httpPort) => [httpPort, `inbound/http/${httpPort}`]))
  return {
    clusters: [originalDestinationCluster(REDIRECTED)],
    listeners: [inboundRedirect('inbound', ports, REDIRECTED, http, { inbound, everybody })],
    routes: [...http].map(([httpPort, name]) => routesOf(name, REDIRECTED, inbound, httpPort)),
  }
}

function explicit (explicitPorts: readonly ExplicitPort[], httpPorts: readonly number[], { inbound }: PodRestrictions): Incoming {
  const ports = explicitPorts.map(({ listen, upstream }) => {
    const name = `${listen.address}:${listen.port}`
    return { listen, upstream, listener: `inbound/${name}`, cluster: `upstream/${name}`, routes: `inbound/http/${name}`, layer: httpPorts.includes(listen.port) ? 'http' as const : 'tcp' as const }
  })
  return {
    clusters: ports.map(({ cluster, upstream }) => staticCluster(cluster, upstream)),
    listeners: ports.map((port) => portListener(port.listener, port.listen, port, inbound)),
    routes: ports.filter(({ layer }) => layer === 'http').map(({ routes, cluster, listen }) => routesOf(routes, cluster, inbound, listen.port)),
  }
}
