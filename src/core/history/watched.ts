import { Type, type Static } from 'typebox'

/** How long a pod was there and observed, of a time that was asked for. */
export const WatchedPod = Type.Object({
  uid: Type.String(),
  sinceMs: Type.Integer({ description: 'First minute in which it was there, Unix time.' }),
  minutes: Type.Integer({ minimum: 0, description: 'In which it was there, as far as the controller that answers was.' }),
  observed: Type.Integer({ minimum: 0, description: 'Of these, those in which its observer reported, whether or not it had something to tell.' }),
}, { $id: 'WatchedPod' })
export type WatchedPod = Static<typeof WatchedPod>

/** Pods together. */
export interface Watched {
  readonly pods: number
  /** That were observed at some time. */
  readonly observedPods: number
  readonly hours: number
  readonly observedHours: number
  /** Unix time; null for no pods. */
  readonly sinceMs: number | null
}

export function watchedOf (pods: readonly WatchedPod[]): Watched {
  const hours = (of: 'minutes' | 'observed'): number => pods.reduce((sum, pod) => sum + pod[of], 0) / 60
  return {
    pods: pods.length,
    observedPods: pods.filter(({ observed }) => observed > 0).length,
    hours: hours('minutes'),
    observedHours: hours('observed'),
    sinceMs: pods.length === 0 ? null : Math.min(...pods.map(({ sinceMs }) => sinceMs)),
  }
}

/** `3 of 4 pods had an observer that reported (75 %), for 41.5 of their 48.0 hours`. */
export function tellWatched ({ pods, observedPods, hours, observedHours }: Watched): string {
  return `${observedPods} of ${pods} ${pods === 1 ? 'pod' : 'pods'} had an observer that reported (${Math.floor(100 * observedPods / Math.max(1, pods))} %), for ${observedHours.toFixed(1)} of their ${hours.toFixed(1)} hours`
}
