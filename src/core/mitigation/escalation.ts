import { asPlanned, CANNOT_ENFORCE, conditionOf, UNSEEN, withStatus } from './conditions.ts'
import { RESTRICTION_SIZES, type EscalationStatus, type RestrictionSize } from './escalation-status.ts'
import type { Mitigation, MitigationSpec, PolicyPlace, TargetStatus } from './mitigation.ts'

export function sizeOf ({ action, policies = [] }: Pick<MitigationSpec, 'action' | 'policies'>): RestrictionSize {
  return action === 'limit' ? 'limit' : sizeAt(policies)
}

/** By where policies stand, whatever their kind: what a denial does not stop, a list of everybody else at the same place does not either. */
function sizeAt (policies: readonly PolicyPlace[]): RestrictionSize {
  const joined = policies.map((place) => place.replace(/-deny$/, '')).join('+')
  return RESTRICTION_SIZES.find((size) => size === joined) ?? 'proxies'
}

/** Whether policies at these places may stop what gets through those of `than`. */
export const isLarger = (places: readonly PolicyPlace[], than: readonly PolicyPlace[]): boolean =>
  RESTRICTION_SIZES.indexOf(sizeAt(places)) > RESTRICTION_SIZES.indexOf(sizeAt(than))

/** After targets took a restriction it takes them this long to apply it; what got through meanwhile proves nothing. */
export const SETTLE_MS = 5_000
/** The same where a pod got the label that they select it by: to Cilium that is another identity, known everywhere after 5 to 35 s (test/enforcing/pod-label.test.ts). */
export const LABELLED_SETTLE_MS = 40_000

/** How long what gets through proves nothing, from when every target took it. */
export const settleMsOf = ({ status: { settleSeconds } }: Mitigation): number => settleSeconds === undefined ? SETTLE_MS : settleSeconds * 1_000

/**
 * Whether a mitigation in force is to grow. `piercedMs`: when the newest stretch began in which attempts got through, Unix ms; null for none.
 * Settled: it began `settleMsOf` after that.
 *
 *     enforced, of a known pod | programmed | through, and settled after that         | and after the last step was taken | to grow
 *     no                       | -          | -                                       | -                                 | no
 *     yes                      | no         | -                                       | -                                 | no
 *     yes                      | yes        | no                                      | -                                 | no
 *     yes                      | yes        | yes                                     | no                                | no: one piece of evidence, one step
 *     yes                      | yes        | yes                                     | yes                               | yes
 */
export function isToGrow (mitigation: Mitigation, piercedMs: number | null): boolean {
  const { spec: { subject, node }, status: { phase, simulated, escalation } } = mitigation
  if (phase !== 'active' || simulated || subject === 'anySource' || node !== undefined || piercedMs === null) return false
  const programmed = conditionOf(mitigation, 'Programmed')
  if (programmed?.status !== 'True') return false
  const stepMs = escalation?.outcome === 'taken' ? Date.parse(escalation.at) : 0
  return piercedMs >= Math.max(Date.parse(programmed.lastTransitionTime), stepMs) + settleMsOf(mitigation)
}

/** A larger way of carrying a mitigation, as it was planned. */
export interface Growth {
  /** Name of the mitigation. */
  readonly mitigation: string
  readonly spec: MitigationSpec
  readonly targets: readonly string[]
  readonly undo: string
  readonly status: EscalationStatus
}

/** The mitigation in its larger form, which nobody has taken yet. Its end, its owner and its detection stay what they are. */
export function grown (mitigation: Mitigation, { spec, targets, undo, status: escalation }: Growth, nowMs: number): Mitigation {
  const { metadata, spec: { owner, detection, subject, mode, expiresAt, life, reason }, status } = mitigation
  const { [CANNOT_ENFORCE]: _, ...annotations } = metadata.annotations
  const { leftOut: _left, settleSeconds: _settled, ...kept } = status
  const waiting: TargetStatus[] = targets.map((target) => ({ target, state: 'pending', version: '', message: '' }))
  const larger: Mitigation = {
    ...mitigation,
    metadata: { ...metadata, generation: metadata.generation + 1, annotations },
    spec: { ...spec, owner, detection, subject, mode, expiresAt, reason, ...(life !== undefined && { life: { ...life, leastSeconds: spec.life?.leastSeconds ?? life.leastSeconds } }) },
    status: { ...kept, undo, targets: waiting, escalation },
  }
  return withStatus(larger, [
    { type: 'Programmed', status: 'False', reason: 'Pending', message: 'No target has answered yet.' },
    UNSEEN,
    asPlanned(larger),
  ], {}, nowMs)
}
