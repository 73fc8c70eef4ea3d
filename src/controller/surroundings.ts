import type { Surroundings } from '../core/plan/safety-request.ts'
import type { Pod } from '../core/pod.ts'
import { openMaintenanceBook } from '../core/safety/maintenance.ts'
import type { SafetySettings } from '../core/safety/settings.ts'
import type { SeenFlow } from '../core/safety/traffic-share.ts'
import { readyByWorkload, restrictedBy } from '../core/safety/workload-share.ts'
import type { Clock } from '../ports/clock.ts'
import type { PodDirectory, Protections } from '../ports/directories.ts'
import type { FlowHistory } from '../ports/flows.ts'
import type { MitigationDesk } from './mitigation-desk.ts'

export interface SurroundingsParts {
  readonly pods: PodDirectory
  readonly protections: Protections
  readonly mitigations: Pick<MitigationDesk, 'active'>
  readonly safety: SafetySettings
  readonly kept: FlowHistory
  /** Of the last seconds. */
  readonly flows: () => readonly SeenFlow[]
  readonly clock: Clock
}

/** How far back kept flows count for what an isolation costs: what a pod does once an hour counts. */
const KEPT_MS = 3_600_000

/** Looks at the world as safety asks for it. Pods are put in order once for each of their lists. */
export function surroundings ({ pods, protections, mitigations, safety, kept, flows, clock }: SurroundingsParts): () => Surroundings {
  const maintenance = openMaintenanceBook(safety.maintenance)
  let listed: readonly Pod[] = []
  let ready = readyByWorkload(listed)
  return () => {
    const list = pods.list()
    if (list !== listed) ready = readyByWorkload(list)
    listed = list
    return {
      protectedSet: protections.now(),
      ready,
      restricted: restrictedBy(mitigations.active),
      // Where no flow is kept of the namespace, as in the first minutes, the last seconds have to do.
      flows: (namespace) => {
        const seen = kept.seen(clock.now() - KEPT_MS, list.filter((pod) => pod.namespace === namespace).map(({ uid }) => uid))
        return seen.length === 0 ? flows() : seen.map(({ source, destination, connections }) => ({ source, destination, flows: connections }))
      },
      byAddress: (address) => pods.byAddress(address),
      maintenance,
    }
  }
}
