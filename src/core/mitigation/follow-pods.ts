import type { Pod } from '../pod.ts'
import { endWithSubject } from './lifecycle.ts'
import { EVERY_POD, MAX_VICTIMS, podRef, type Mitigation, type PodRef } from './mitigation.ts'

/** The pods of one moment, as far as a mitigation asks for them. */
export interface PodsNow {
  /** Also one without an address; null: it is gone. */
  readonly byUid: (uid: string) => Pod | null
  /**
   * Those of these workloads (`MitigationSpec.workloads`) that have an address and in front of which it may restrict, in the order in which
   * they join: of the namespace `near` first, then the oldest.
   */
  readonly places: (workloads: readonly string[], near: string | undefined) => readonly Pod[]
  /** The one of them that has this UID, or null. */
  readonly placeOf: (uid: string, workloads: readonly string[]) => Pod | null
}

/** What becomes of a mitigation when pods come and go. */
export type Following =
  | { readonly outcome: 'same' }
  | {
    readonly outcome: 'amended'
    readonly mitigation: Mitigation
    readonly joined: readonly PodRef[]
    readonly left: readonly PodRef[]
    /** With the addresses that they have now. */
    readonly readdressed: readonly PodRef[]
  }
  | { readonly outcome: 'ended', readonly mitigation: Mitigation }

/**
 * Compares the pods that a mitigation in force names with those that there are. Level-based: done again, it changes nothing.
 *
 *     subject     | its pod             | outcome
 *     `anySource` | -                   | same: it limits its victim, whom nobody joins in that
 *     a pod       | gone                | ended, also where a pod of its workload took its place: the restriction binds to the UID
 *     a pod       | has other addresses | the restriction holds for those
 *
 *     pod              | there | of `workloads` | made since the mitigation, or `workloads` is every pod | outcome
 *     a victim         | yes   | -              | -   | stays, with the addresses that it has now
 *     a victim         | no    | -              | -   | leaves; the mitigation goes on, for another may join
 *     the subject      | yes   | -              | -   | joins not
 *     another          | yes   | yes            | no  | joins not: it was there and was not meant
 *     another          | yes   | yes            | yes | joins in the order of `places`, up to MAX_VICTIMS; `leftOut` counts the others
 *     another          | yes   | no             | -   | joins not
 *
 * A pod that joins is a place where the subject is restricted, and loses nothing else; `places` leaves out those that are protected.
 */
export function followPods (mitigation: Mitigation, pods: PodsNow, nowMs: number): Following {
  const { metadata, spec, status } = mitigation
  const { subject } = spec
  if (subject === 'anySource') return { outcome: 'same' }
  const subjectNow = refNow(subject, pods)
  if (subjectNow === null) return { outcome: 'ended', mitigation: endWithSubject(mitigation, subject, nowMs) }

  const now = spec.victims.map((victim) => refNow(victim, pods))
  const stay = now.filter((victim) => victim !== null)
  const { joining, leftOut } = joiners(mitigation, subject, MAX_VICTIMS - stay.length, pods)
  const joined = joining.map(podRef)
  const left = spec.victims.filter((_, at) => now[at] === null)
  const readdressed = [...(subjectNow === subject ? [] : [subjectNow]), ...stay.filter((victim) => !spec.victims.includes(victim))]
  const changed = joined.length + left.length + readdressed.length > 0
  if (!changed && leftOut === (status.leftOut ?? 0)) return { outcome: 'same' }

  const { leftOut: _, ...rest } = status
  return {
    outcome: 'amended',
    mitigation: {
      ...mitigation,
      metadata: changed ? { ...metadata, generation: metadata.generation + 1 } : metadata,
      spec: changed ? { ...spec, subject: subjectNow, victims: [...stay, ...joined] } : spec,
      status: { ...rest, ...(leftOut > 0 && { leftOut }) },
    },
    joined,
    left,
    readdressed,
  }
}

/** The same object where nothing changed; null: the pod is gone. One that has no address of its own for now keeps what it had. */
function refNow (ref: PodRef, { byUid }: PodsNow): PodRef | null {
  const pod = byUid(ref.uid)
  if (pod === null) return null
  return pod.addresses.length === 0 || pod.addresses.join() === ref.addresses.join() ? ref : { ...ref, addresses: [...pod.addresses] }
}

/**
 * Who joins, at most `room`, and how many more would. It looks at the whole crowd no longer than there is room: a cluster has many
 * pods, and each that changes asks every mitigation.
 */
function joiners ({ metadata, spec: { victims, workloads = [] } }: Mitigation, subject: PodRef, room: number, pods: PodsNow): { readonly joining: readonly Pod[], readonly leftOut: number } {
  if (workloads.length === 0) return { joining: [], leftOut: 0 }
  const isEvery = workloads.includes(EVERY_POD)
  // A pod's time has whole seconds: one of the mitigation's own second is taken for one that came after it.
  const sinceMs = Math.floor(Date.parse(metadata.creationTimestamp) / 1_000) * 1_000
  const isMeant = ({ createdMs = -Infinity }: Pod): boolean => isEvery || createdMs >= sinceMs
  const places = pods.places(workloads, subject.namespace)
  const meant = isEvery ? places : places.filter(isMeant)
  const named = new Set([subject, ...victims].map(({ uid }) => uid))
  const joining: Pod[] = []
  for (let at = 0; at < meant.length && joining.length < room; at++) {
    const pod = meant[at]
    if (pod !== undefined && !named.has(pod.uid)) joining.push(pod)
  }
  const there = [...named].filter((uid) => {
    const pod = pods.placeOf(uid, workloads)
    return pod !== null && isMeant(pod)
  })
  return { joining, leftOut: meant.length - there.length - joining.length }
}
