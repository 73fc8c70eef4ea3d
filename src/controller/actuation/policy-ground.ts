import { AutoshieldError } from '../../core/errors.ts'
import { groundOf, type Ground } from '../../core/plan/check-plan.ts'
import type { ClusterKnowledge } from '../../core/plan/plan.ts'
import type { SelectorsOf } from '../../core/plan/render-policies.ts'
import type { Clock } from '../../ports/clock.ts'
import type { FlowHistory } from '../../ports/flows.ts'
import type { ClusterReach } from '../../ports/network-policies.ts'

export interface PolicyGroundParts {
  readonly reach: Pick<ClusterReach, 'cluster' | 'trouble' | 'unjudged'>
  readonly flows: FlowHistory
  readonly clock: Clock
  /** What finds pods; null where none can be taken out of that. */
  readonly selectors: SelectorsOf | null
}

/** How far back flows are looked at: what a pod does once an hour counts. */
const SEEN_MS = 3_600_000

/** What plans rest on in a cluster, made anew only where something changed. */
export class PolicyGround {
  readonly #parts: PolicyGroundParts
  #ground: Ground | null = null

  constructor (parts: PolicyGroundParts) {
    this.#parts = parts
  }

  knowledge (): ClusterKnowledge {
    const cluster = this.#parts.reach.cluster()
    if (cluster === null) return { known: false, why: 'the policies of the cluster are not all known yet.' }
    const trouble = this.#parts.reach.trouble()
    if (trouble !== null) return { known: false, why: trouble }
    try {
      if (this.#ground?.cluster !== cluster) this.#ground = groundOf(cluster, this.#ground)
      const { flows, clock, selectors } = this.#parts
      return { known: true, ground: this.#ground, seen: (pods) => flows.seen(clock.now() - SEEN_MS, pods), ...(selectors !== null && { selectors }), unjudged: this.#parts.reach.unjudged() }
    } catch (error) {
      return { known: false, why: AutoshieldError.from(error).message }
    }
  }
}
