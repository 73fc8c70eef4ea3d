import { followPods, workloadKey, type Following, type PodsNow } from '../core/mitigation/follow-pods.ts'
import { EVERY_POD, type Mitigation, type PodRef } from '../core/mitigation/mitigation.ts'
import type { Pod } from '../core/pod.ts'
import type { ReasonCode } from '../core/reason.ts'
import { protectionOf } from '../core/safety/protection.ts'
import type { SafetySettings } from '../core/safety/settings.ts'
import type { PodDirectory } from '../ports.ts'
import type { RolledOut } from './rollout/rolled-out.ts'

export interface PodFollowingParts {
  readonly pods: PodDirectory
  readonly safety: SafetySettings
  /** In front of whom the mitigations of mesh policies restrict, as far as the rollouts are now. */
  readonly rolledOut: () => RolledOut
}

/** A look at the pods of now: what becomes of each mitigation in force. */
export function podFollowing ({ pods, safety, rolledOut }: PodFollowingParts): (mitigation: Mitigation, nowMs: number) => Following {
  const open = pods.list().filter((pod) => protectionOf(pod, safety) === null)
  const rolled = rolledOut()
  const byWorkload = Map.groupBy(open, workloadKey)
  const placesOf = (workloads: readonly string[]): readonly Pod[] => workloads.includes(EVERY_POD) ? open : workloads.flatMap((workload) => byWorkload.get(workload) ?? [])
  return (mitigation, nowMs) => {
    const allowed = rolled(mitigation)
    const now: PodsNow = {
      byUid: (uid) => pods.byUid(uid),
      places: (workloads) => allowed === null ? placesOf(workloads) : placesOf(workloads).filter(({ uid }) => allowed.has(uid)),
    }
    return followPods(mitigation, now, nowMs)
  }
}

/** What an amendment did, for the trail: each reason with its pods. */
export function amendmentsOf ({ joined, left, readdressed }: Extract<Following, { outcome: 'amended' }>): readonly { readonly reason: ReasonCode, readonly pods: readonly PodRef[] }[] {
  return [
    { reason: 'PodJoined', pods: joined } as const,
    { reason: 'PodGone', pods: left } as const,
    { reason: 'AddressesChanged', pods: readdressed } as const,
  ].filter(({ pods }) => pods.length > 0)
}
