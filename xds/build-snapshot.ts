import type { ProxySpec } from './proxy-spec.ts'
import { originalDestinationCluster, staticCluster } from './resources/cluster.ts'
import { portListener, redirectListener } from './resources/listener.ts'
import type { PodRestrictions } from './restriction.ts'
import { createSnapshot, type Snapshot, type SnapshotContent } from './snapshot.ts'

/** Everything that the proxy of one pod needs: passage for everybody, and each restricted source's own chain. */
export function buildSnapshot ({ inbound }: Pick<ProxySpec, 'inbound'>, restrictions: PodRestrictions): Snapshot {
  const mitigations = new Set([...restrictions.values()].flat().map(({ mitigation }) => mitigation))
  return createSnapshot(contentOf(inbound, restrictions), [...mitigations].sort())
}

function contentOf (inbound: ProxySpec['inbound'], restrictions: PodRestrictions): SnapshotContent {
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
