import type { Detection } from '../verdict/detection.ts'
import type { FlowRecord } from './flow-record.ts'

type Suspect = Pick<Detection, 'kind' | 'source' | 'target' | 'firstSeen' | 'lastSeen'>

/**
 * Whether a flow may be part of an attack that was detected while it went on.
 *
 *     detection | the flow                                                              | may be
 *     pair      | has both its ends                                                     | yes
 *     fan-out   | is of its source and brought nothing back: what a scan leaves         | yes
 *     fan-out   | is of its source and brought something back                           | no
 *     fan-in    | goes to its target and brought nothing back: what a flood leaves      | yes
 */
export function suspicionOf (detections: readonly Suspect[]): (record: FlowRecord) => boolean {
  const byEnds = Map.groupBy(detections, ({ kind, source, target }) => endsKey(kind, source?.address, target?.address))
  return ({ source, destination, firstMs, lastMs, bytesReceived }) => {
    const within = ({ firstSeen, lastSeen }: Suspect): boolean => Date.parse(firstSeen) < lastMs && Date.parse(lastSeen) >= firstMs
    const some = (key: string): boolean => byEnds.get(key)?.some(within) ?? false
    if (some(endsKey('pair', source.address, destination.address))) return true
    if (bytesReceived > 0) return false
    return some(endsKey('fan-out', source.address, undefined)) || some(endsKey('fan-in', undefined, destination.address))
  }
}

const endsKey = (kind: Detection['kind'], source: string | undefined, target: string | undefined): string => {
  switch (kind) {
    case 'pair': return `${source ?? ''}>${target ?? ''}`
    case 'fan-out': return `${source ?? ''}>*`
    case 'fan-in': return `*>${target ?? ''}`
  }
}
