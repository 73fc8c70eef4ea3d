import { BUCKETS, bucketOf, HISTOGRAMS } from '../core/drift/buckets.ts'
import { parseSpiffeId } from '../core/identity.ts'
import { FEATURES } from '../core/window/window.ts'
import type { ScoredRow } from './scoring-loop.ts'
import { TRAFFIC_STEP_MS } from './traffic.ts'

interface Counted { windows: number, readonly buckets: Uint32Array }

/** More are left out until they were told: a cluster has fewer. */
const MAX_NAMESPACES = 1_000

/** Counts, by the namespace of their observer, what live pairs did in 15 s windows that look like no attack. */
export class WindowCounter {
  #counted = new Map<string, Counted>()

  add (rows: readonly ScoredRow[]): void {
    for (const { incoming, window, probabilities } of rows) {
      const isQuiet = (probabilities[0] ?? 0) > 0.5
      if (window.stepMs !== TRAFFIC_STEP_MS || window.key.kind !== 'pair' || incoming.simulated || !isQuiet) continue
      const counted = this.#of(parseSpiffeId(incoming.reporter)?.namespace ?? '')
      if (counted === null) continue
      counted.windows++
      for (let column = 0; column < FEATURES.length; column++) {
        const at = column * BUCKETS + bucketOf(column, window.features[column] ?? 0)
        counted.buckets[at] = (counted.buckets[at] ?? 0) + 1
      }
    }
  }

  /** What was counted since the last call. */
  take (): readonly { readonly namespace: string, readonly windows: number, readonly buckets: Uint32Array }[] {
    const taken = [...this.#counted].map(([namespace, counted]) => ({ namespace, ...counted }))
    this.#counted = new Map()
    return taken
  }

  #of (namespace: string): Counted | null {
    const known = this.#counted.get(namespace)
    if (known !== undefined) return known
    if (this.#counted.size >= MAX_NAMESPACES) return null
    const fresh = { windows: 0, buckets: new Uint32Array(HISTOGRAMS) }
    this.#counted.set(namespace, fresh)
    return fresh
  }
}
