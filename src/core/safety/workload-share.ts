import { workloadKey } from '../pod.ts'
import type { Mitigation } from '../mitigation/mitigation.ts'
import type { Pod } from '../pod.ts'

/** How much of one workload is restricted now, and how much more an action would restrict. */
export interface WorkloadShare {
  /** `NAMESPACE/KIND/NAME`. */
  readonly workload: string
  /** Pods of it that are ready. */
  readonly ready: number
  /** Of these, those that mitigations in force restrict. */
  readonly restricted: number
  /** Of the others, those that the action would restrict. */
  readonly more: number
}

/** UIDs of the pods that mitigations in force restrict for real. */
export function restrictedBy (mitigations: readonly Mitigation[]): ReadonlySet<string> {
  return new Set(mitigations.filter(({ status }) => status.phase === 'active' && !status.simulated).flatMap(({ spec: { subject, victims } }) =>
    subject === 'anySource' ? victims.map(({ uid }) => uid) : [subject.uid]))
}

/** Ready pods by workload. A pod of which nobody says whether it is ready counts as ready. */
export function readyByWorkload (pods: readonly Pod[]): ReadonlyMap<string, readonly Pod[]> {
  const ready = new Map<string, Pod[]>()
  for (const pod of pods) {
    const workload = workloadKey(pod)
    if (workload === null || pod.ready === false) continue
    const known = ready.get(workload)
    if (known === undefined) ready.set(workload, [pod])
    else known.push(pod)
  }
  return ready
}

/** The share of each workload of which the action would restrict a ready pod that is not restricted yet. */
export function workloadShares (touched: readonly Pod[], ready: ReadonlyMap<string, readonly Pod[]>, restricted: ReadonlySet<string>): readonly WorkloadShare[] {
  const uids = new Set(touched.map(({ uid }) => uid))
  const workloads = new Set(touched.map(workloadKey).filter((workload) => workload !== null))
  return [...workloads].flatMap((workload) => {
    const pods = ready.get(workload) ?? []
    const more = pods.filter(({ uid }) => uids.has(uid) && !restricted.has(uid)).length
    return more === 0 ? [] : [{ workload, ready: pods.length, restricted: pods.filter(({ uid }) => restricted.has(uid)).length, more }]
  })
}

/**
 * At least one pod of a workload may be restricted, however few there are.
 *
 *     ready | most share | may be restricted at a time
 *     1     | 0.5        | 1
 *     3     | 0.5        | 1
 *     4     | 0.5        | 2
 *     10    | 0          | 1
 *     10    | 1          | 10
 */
export const mostOf = ({ ready }: Pick<WorkloadShare, 'ready'>, mostShare: number): number => Math.max(1, Math.floor(ready * mostShare))
