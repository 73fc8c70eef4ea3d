import { withStatus } from '../mitigation/conditions.ts'
import type { Mitigation, TargetStatus } from '../mitigation/mitigation.ts'

/** What became of the labels that are to be taken from a pod. */
export type ReleaseAnswer =
  | { readonly outcome: 'released' }
  /** Its NetworkPolicy does not hold yet, so it is left as it is. */
  | { readonly outcome: 'waiting' }
  /** `isFinal` where asking again brings nothing before something else is mended. */
  | { readonly outcome: 'failed', readonly isFinal: boolean, readonly message: string }

/** Of a mitigation in force that takes labels from its pod. While no policy isolates the pod, it keeps them. */
export const isReleasing = ({ spec, status }: Mitigation): boolean =>
  status.phase === 'active' && !status.simulated && spec.mode === 'enforce' && spec.relabel !== undefined && spec.policies?.includes('isolation') === true

/** Whether the policies that isolate its pod are stored. */
export const isIsolated = ({ status }: Mitigation): boolean => {
  const policies = status.targets.filter(({ target }) => target.startsWith('networkpolicy/'))
  return policies.length > 0 && policies.every(({ state }) => state === 'programmed')
}

/**
 *     answer        | target
 *     released      | programmed
 *     waiting       | pending
 *     failed        | pending, with what the API server said
 *     failed, final | rejected, with the same
 *
 * Its conditions follow at the next look at all targets.
 */
export function withReleaseAnswer (mitigation: Mitigation, pod: string, answer: ReleaseAnswer, nowMs: number): Mitigation {
  const target: TargetStatus = { target: `pod/${pod}`, ...standingOf(answer) }
  const others = mitigation.status.targets.filter(({ target: name }) => !name.startsWith('pod/'))
  return withStatus(mitigation, [], { targets: [...others, target] }, nowMs)
}

function standingOf (answer: ReleaseAnswer): Pick<TargetStatus, 'state' | 'version' | 'message'> {
  switch (answer.outcome) {
    case 'released': return { state: 'programmed', version: '', message: '' }
    case 'waiting': return { state: 'pending', version: '', message: 'its labels stay until its NetworkPolicy is stored' }
    case 'failed': return { state: answer.isFinal ? 'rejected' : 'pending', version: '', message: answer.message }
  }
}
