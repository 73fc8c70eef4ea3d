import type { Identity } from '../../core/identity.ts'
import type { Clock } from '../../ports/clock.ts'
import type { PodDirectory } from '../../ports/directories.ts'
import type { Revocations } from '../../ports/identity.ts'

/** A pod that was just made may be known to its proxy before it is known here. */
const GRACE_MS = 10_000
const MOST_UNKNOWN = 10_000

export interface GonePodsOptions {
  /** Every pod of the cluster, as far as it is known. */
  readonly pods: Pick<PodDirectory, 'byUid'>
  /** Identities that belong to no pod. */
  readonly isPod: (identity: Identity) => boolean
  readonly clock: Clock
}

/** An identity ends with its pod: one whose UID no pod has for ten seconds is not believed any more, however long its certificate lasts. */
export class GonePods implements Revocations {
  readonly #options: GonePodsOptions
  /** UID -> since when it is unknown, Unix ms. */
  readonly #unknown = new Map<string, number>()

  constructor (options: GonePodsOptions) {
    this.#options = options
  }

  revoked (identity: Identity): string | null {
    const { pods, isPod, clock } = this.#options
    const { uid } = identity
    if (!isPod(identity)) return null
    if (pods.byUid(uid) !== null) {
      this.#unknown.delete(uid)
      return null
    }
    const since = this.#unknown.get(uid) ?? clock.now()
    this.#unknown.delete(uid)
    this.#unknown.set(uid, since) // the oldest in order of asking goes first
    if (this.#unknown.size > MOST_UNKNOWN) this.#unknown.delete(this.#unknown.keys().next().value ?? uid)
    return clock.now() - since < GRACE_MS ? null : 'its pod is gone'
  }
}
