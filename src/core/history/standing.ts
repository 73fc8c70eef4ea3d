import { QUIET_STEPS } from '../verdict/case.ts'
import type { Detection } from '../verdict/detection.ts'
import type { FlowRecord } from './flow-record.ts'
import { suspicionOf } from './suspicion.ts'

export const STANDINGS = ['attack', 'suspect', 'legitimate'] as const
/** attack: it may be part of one. suspect: it went on beside one, from the same source. legitimate: its source had no open detection. */
export type Standing = (typeof STANDINGS)[number]

/**
 *     may be part of an attack | its source has an open detection meanwhile | standing
 *     yes                      | -                                          | attack
 *     no                       | yes                                        | suspect
 *     no                       | no                                         | legitimate
 */
export function standingOf (detections: readonly Detection[]): (record: FlowRecord) => Standing {
  const isSuspicious = suspicionOf(detections)
  const bySource = Map.groupBy(detections, ({ source }) => source?.uid ?? source?.address ?? '')
  return (record) => {
    if (isSuspicious(record)) return 'attack'
    const { source: { address, pod }, firstMs, lastMs } = record
    const isOpen = (detection: Detection): boolean => Date.parse(detection.firstSeen) < lastMs && openUntilMs(detection) >= firstMs
    return [address, pod?.uid ?? address].some((key) => bySource.get(key)?.some(isOpen) === true) ? 'suspect' : 'legitimate'
  }
}

/** A detection closes once its key was quiet for some steps. */
const openUntilMs = ({ lastSeen, explanation: { stepMs } }: Detection): number => Date.parse(lastSeen) + QUIET_STEPS * stepMs
