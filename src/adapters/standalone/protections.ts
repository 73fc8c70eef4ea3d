import { discoverProtected } from '../../core/safety/discover-protected.ts'
import { ProtectedSet } from '../../core/safety/protected.ts'
import type { SafetySettings } from '../../core/safety/settings.ts'
import type { PodDirectory, Protections } from '../../ports/directories.ts'

/** Without a cluster nothing is discovered: the cluster's own namespaces are protected by name, and what the settings name. */
export function standaloneProtections (pods: PodDirectory, settings: Pick<SafetySettings, 'protected'>): Protections {
  let listed: readonly unknown[] | null = null
  let found = new ProtectedSet([])
  return {
    now: () => {
      const list = pods.list()
      if (list === listed) return found
      listed = list
      found = new ProtectedSet(discoverProtected({ ownNamespace: null, pods: list, namespaces: [], services: [], backEnds: [], webhooks: [], apiServices: [], nodes: [], nameservers: [] }, settings))
      return found
    },
  }
}
