import { followPods, type Following } from '../core/mitigation/follow-pods.ts'
import { workloadKey } from '../core/pod.ts'
import { EVERY_POD, type Mitigation } from '../core/mitigation/mitigation.ts'
import type { Pod } from '../core/pod.ts'
import type { ReasonCode } from '../core/reason.ts'
import type { PodDirectory, Protections } from '../ports/directories.ts'
import type { NewAuditEntry } from './journal.ts'
import type { RolledOut } from './rollout/rolled-out.ts'

export interface PodFollowingParts {
  readonly pods: PodDirectory
  readonly protections: Protections
  /** In front of whom the mitigations of mesh policies restrict, as far as the rollouts are now. */
  readonly rolledOut: () => RolledOut
}

/** A look at the pods of now: what becomes of each mitigation in force. It puts them in order once for all that ask for the same. */
export function podFollowing ({ pods, protections, rolledOut }: PodFollowingParts): (mitigation: Mitigation, nowMs: number) => Following {
  const protectedSet = protections.now()
  const open = pods.list().filter((pod) => protectedSet.of(pod) === null)
  const byUid = new Map(open.map((pod) => [pod.uid, pod]))
  const byWorkload = Map.groupBy(open, workloadKey)
  const ofWorkloads = (workloads: readonly string[]): readonly Pod[] => workloads.includes(EVERY_POD) ? open : workloads.flatMap((workload) => byWorkload.get(workload) ?? [])
  const rolled = rolledOut()
  const known = new Map<ReadonlySet<string> | null, Map<string, readonly Pod[]>>()
  return (mitigation, nowMs) => {
    const allowed = rolled(mitigation)
    const isAllowed = ({ uid }: Pod): boolean => allowed === null || allowed.has(uid)
    const ordered = known.get(allowed) ?? new Map<string, readonly Pod[]>()
    known.set(allowed, ordered)
    return followPods(mitigation, {
      byUid: (uid) => pods.byUid(uid),
      placeOf: (uid, workloads) => {
        const pod = byUid.get(uid)
        return pod !== undefined && isAllowed(pod) && (workloads.includes(EVERY_POD) || workloads.includes(workloadKey(pod) ?? '')) ? pod : null
      },
      places: (workloads, near = '') => {
        const key = JSON.stringify([near, workloads])
        const places = ordered.get(key) ?? ofWorkloads(workloads).filter(isAllowed).sort(inTurn(near))
        ordered.set(key, places)
        return places
      },
    }, nowMs)
  }
}

/** Pods of the subject's own namespace first, for it most likely turns to them; then the oldest. */
function inTurn (near: string): (one: Pod, other: Pod) => number {
  const far = ({ namespace }: Pod): number => namespace === near ? 0 : 1
  return (one, other) => far(one) - far(other) || (one.createdMs ?? 0) - (other.createdMs ?? 0) || (one.uid < other.uid ? -1 : 1)
}

/** What an amendment did, for the trail: an entry a reason, with its pods. */
export function amendmentsOf ({ mitigation: { metadata, spec, status }, joined, left, readdressed }: Extract<Following, { outcome: 'amended' }>): NewAuditEntry[] {
  const reasons = [{ reason: 'PodJoined', pods: joined }, { reason: 'PodGone', pods: left }, { reason: 'AddressesChanged', pods: readdressed }] satisfies { reason: ReasonCode, pods: unknown }[]
  return reasons.filter(({ pods }) => pods.length > 0).map(({ reason, pods }) => ({
    actor: 'autoshield', action: 'mitigation.amended', object: `mitigation/${metadata.name}`, reason, detail: { pods, victims: spec.victims.length, leftOut: status.leftOut ?? 0 },
  }))
}
