import type { Surroundings } from '../core/plan/safety-request.ts'
import type { Pod } from '../core/pod.ts'
import { openMaintenanceBook } from '../core/safety/maintenance.ts'
import type { SafetySettings } from '../core/safety/settings.ts'
import type { SeenFlow } from '../core/safety/traffic-share.ts'
import { readyByWorkload, restrictedBy } from '../core/safety/workload-share.ts'
import type { PodDirectory, Protections } from '../ports.ts'
import type { MitigationDesk } from './mitigation-desk.ts'

export interface SurroundingsParts {
  readonly pods: PodDirectory
  readonly protections: Protections
  readonly mitigations: Pick<MitigationDesk, 'active'>
  readonly safety: SafetySettings
  readonly flows: () => readonly SeenFlow[]
}

/** Looks at the world as safety asks for it. Pods are put in order once for each of their lists. */
export function surroundings ({ pods, protections, mitigations, safety, flows }: SurroundingsParts): () => Surroundings {
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
      flows: flows(),
      byAddress: (address) => pods.byAddress(address),
      maintenance,
    }
  }
}
