import type { ProxySpec } from './proxy-spec.ts'
import { originalDestinationCluster, staticCluster } from './resources/cluster.ts'
import { portListener, redirectListener } from './resources/listener.ts'
import { restrictionsOf, type Duty, type PodRestrictions, type Shortfall } from './restriction.ts'
import type { SnapshotContent } from './snapshot.ts'

/** What one proxy is to be told, and what it says of the duties that it was made from. */
export interface ProxyConfiguration {
  readonly content: Partial<SnapshotContent>
  /** Names of the mitigations that it carries, sorted. */
  readonly mitigations: readonly string[]
  /** Duties, or parts of them, that this pod's proxy cannot carry. */
  readonly shortfalls: readonly Shortfall[]
}

/**
 * Everything that the proxy of one pod needs: passage for everybody, and each restricted source's own chain. Equal input
 * gives equal resources. `podUid` is not read, so that pods that differ in nothing else share theirs.
 */
export function buildSnapshot (spec: Omit<ProxySpec, 'podUid'>, duties: readonly Duty[]): ProxyConfiguration {
  const restrictions = restrictionsOf(duties)
  const mitigations = new Set([...restrictions.values()].flat().map(({ mitigation }) => mitigation))
  return { content: contentOf(spec.inbound, restrictions), mitigations: [...mitigations].sort(), shortfalls: [] }
}

function contentOf (inbound: ProxySpec['inbound'], restrictions: PodRestrictions): Partial<SnapshotContent> {
  switch (inbound.mode) {
    case 'redirect': {
      const cluster = 'original-destination'
      return { clusters: [originalDestinationCluster(cluster)], listeners: [redirectListener('inbound', inbound.port, cluster, restrictions)] }
    }
    case 'explicit': {
      const ports = inbound.ports.map(({ listen, upstream }) => ({ name: `${listen.address}:${listen.port}`, listen, upstream }))
      return {
        clusters: ports.map(({ name, upstream }) => staticCluster(`upstream/${name}`, upstream)),
        listeners: ports.map(({ name, listen }) => portListener(`inbound/${name}`, listen, `upstream/${name}`, restrictions)),
      }
    }
  }
}
