import type { Forging } from '../core/evidence/forging.ts'
import type { Clock } from '../ports/clock.ts'
import type { PodDirectory } from '../ports/directories.ts'
import type { DetectorStats } from '../ports/scores.ts'

/** Detectors tell every second; what is older was told by one that has gone. */
const STALE_MS = 5_000

/** Out of which pods forged packets came just now, as the detectors tell. */
export class Forgers {
  readonly #pods: PodDirectory
  readonly #clock: Clock
  readonly #told = new Map<string, { readonly packets: number, readonly atMs: number }>()

  constructor ({ pods, clock }: { readonly pods: PodDirectory, readonly clock: Clock }) {
    this.#pods = pods
    this.#clock = clock
  }

  take ({ forging }: Pick<DetectorStats, 'forging'>): void {
    const atMs = this.#clock.now()
    for (const [podUid, told] of this.#told) if (atMs - told.atMs > STALE_MS) this.#told.delete(podUid)
    for (const [podUid, packets] of Object.entries(forging)) this.#told.set(podUid, { packets, atMs })
  }

  /** Most packets first. */
  list (): readonly Forging[] {
    const nowMs = this.#clock.now()
    return [...this.#told]
      .filter(([, { atMs }]) => nowMs - atMs <= STALE_MS)
      .map(([podUid, { packets }]): Forging => {
        const pod = this.#pods.byUid(podUid)
        return { pod: pod === null ? podUid : `${pod.namespace}/${pod.name}`, addresses: pod?.addresses ?? [], packets }
      })
      .sort((one, other) => other.packets - one.packets)
  }
}
