import { endOf } from '../core/mitigation/lifecycle.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { ReasonCode } from '../core/reason.ts'
import type { AuditTrail } from '../ports/audit.ts'

/** An entry that is missing; `reason` is that of the trail. */
export interface Untold {
  readonly mitigation: Mitigation
  readonly action: 'mitigation.applied' | 'mitigation.expired' | 'mitigation.ended' | 'mitigation.reverted'
  readonly reason: ReasonCode
}

const ENDS = ['mitigation.expired', 'mitigation.ended', 'mitigation.reverted', 'mitigation.abandoned']
/** One mitigation has some ten. */
const MAX_ENTRIES = 200

/**
 * What the trail lacks of mitigations that are stored, because whoever stored them died before it could tell. `isDecided` says of one
 * whether its decision is kept.
 *
 *     phase  | beginning told | end told | decided | missing
 *     active | yes            | -        | -       | nothing
 *     active | no             | -        | yes     | its beginning
 *     active | no             | -        | no      | its beginning: TakenOver, for nothing else tells where it comes from
 *     ended  | yes            | yes      | -       | nothing
 *     ended  | yes            | no       | -       | its end
 *     ended  | no             | -        | -       | nothing: another trail tells of it
 */
export function untold (stored: readonly Mitigation[], trail: Pick<AuditTrail, 'search'>, isDecided: (mitigation: string) => boolean): readonly Untold[] {
  return stored.flatMap((mitigation): readonly Untold[] => {
    const { metadata: { name }, status } = mitigation
    const told = trail.search({ object: `mitigation/${name}`, limit: MAX_ENTRIES }).map(({ action }) => action)
    const begun = told.includes('mitigation.applied')
    const end = endOf(mitigation)
    if (end === null) return begun ? [] : [{ mitigation, action: 'mitigation.applied', reason: isDecided(name) ? status.simulated ? 'Simulated' : 'RuleMatched' : 'TakenOver' }]
    if (!begun || told.some((action) => ENDS.includes(action))) return []
    return [{ mitigation, action: end === 'Expired' ? 'mitigation.expired' : end === 'SubjectGone' ? 'mitigation.ended' : 'mitigation.reverted', reason: end }]
  })
}
