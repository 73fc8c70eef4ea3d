import { hashText } from '../flow/hash.ts'
import type { Pod } from '../pod.ts'
import type { MeshPolicy, PodSelector } from './mesh-policy.ts'

export function selects ({ namespaces, labels }: PodSelector, pod: Pick<Pod, 'namespace' | 'labels'>): boolean {
  return (namespaces.length === 0 || namespaces.includes(pod.namespace)) &&
    Object.entries(labels).every(([key, value]) => Object.hasOwn(pod.labels, key) && pod.labels[key] === value)
}

/** UIDs of the pods that a policy is about. `proxied`: those with a proxy, for nothing else carries a restriction of it. */
export function scopeOf (scope: PodSelector, pods: readonly Pod[], proxied: ReadonlySet<string>): readonly string[] {
  return pods.filter((pod) => proxied.has(pod.uid) && selects(scope, pod)).map(({ uid }) => uid)
}

/** 0 to 2^32 - 1, the same for a UID wherever it is asked. */
const placeOf = (uid: string): number => hashText(uid, uid.length)

/**
 * UIDs of the pods that enforce at a share in percent: those whose place on the circle of hashes lies below it. A pod's
 * place never changes and hangs on no other pod, so a larger share keeps all of a smaller one. The first on the circle
 * enforces at any share, for a canary without a pod would show nothing.
 */
export function enforcingPods (uids: readonly string[], share: number): ReadonlySet<string> {
  if (share === 0) return new Set()
  const placed = uids.map((uid) => ({ uid, place: placeOf(uid) })).toSorted((left, right) => left.place - right.place || (left.uid < right.uid ? -1 : 1))
  const below = share / 100 * 2 ** 32
  return new Set(placed.filter(({ place }, index) => index === 0 || place < below).map(({ uid }) => uid))
}

/** UIDs of the pods of a policy that have a proxy, as they are now. */
export interface Members {
  readonly enforcing: ReadonlySet<string>
  readonly others: ReadonlySet<string>
}

export function membersOf ({ spec, status }: Pick<MeshPolicy, 'spec' | 'status'>, pods: readonly Pod[], proxied: ReadonlySet<string>): Members {
  const scope = scopeOf(spec.scope, pods, proxied)
  const enforcing = enforcingPods(scope, status.share)
  return { enforcing, others: new Set(scope.filter((uid) => !enforcing.has(uid))) }
}
