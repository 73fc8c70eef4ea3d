import type { Pod } from '../../core/pod.ts'

/**
 * Labels of ours that no mitigation asks for any more. They stay for a while: to Cilium a pod whose labels change is another one, and until
 * it knows it again, which takes up to 35 s, it puts off what changes for the pod, so that traffic would stay cut long after its policy
 * is gone. A mitigation that comes back meanwhile cuts at once.
 */
export class RestingMarks {
  readonly #restMs: number
  /** By UID of the pod, oldest first: since when nobody asks for its label. */
  readonly #sinceMs = new Map<string, number>()

  constructor (restMs: number) {
    this.#restMs = restMs
  }

  /** Of the pods whose labels nobody asks for: the one whose label is to be taken back now. One at a time, for each makes work on all nodes. */
  due (unasked: readonly Pod[], nowMs: number): Pod | null {
    const byUid = new Map(unasked.map((pod) => [pod.uid, pod]))
    for (const uid of this.#sinceMs.keys()) if (!byUid.has(uid)) this.#sinceMs.delete(uid)
    for (const uid of byUid.keys()) if (!this.#sinceMs.has(uid)) this.#sinceMs.set(uid, nowMs)
    const [oldest] = this.#sinceMs
    if (oldest === undefined || nowMs - oldest[1] < this.#restMs) return null
    return byUid.get(oldest[0]) ?? null
  }

  /** It could not be taken back: it rests anew, behind the others. */
  again ({ uid }: Pod, nowMs: number): void {
    this.#sinceMs.delete(uid)
    this.#sinceMs.set(uid, nowMs)
  }
}
