import { countedAttempts, type Budget, type Counted } from '../core/mitigation/counted-attempts.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { RestrictionCount } from '../core/mitigation/restriction-count.ts'

/** Proxies, sources and ports of one mitigation whose budgets are held; beyond it the oldest begins anew, full. */
const MAX_BUDGETS = 4_096

/** What is left of one mitigation's limit, by proxy, source and port. */
export class Budgets {
  readonly #left = new Map<string, Budget>()

  /** What the count says of the mitigation after those before it; null where it says nothing. */
  count (mitigation: Mitigation, count: RestrictionCount): Counted | null {
    const place = `${count.podUid} ${count.source} ${count.port ?? ''}`
    const counted = countedAttempts(mitigation, count, this.#left.get(place) ?? null)
    if (counted?.budget == null) return counted
    const oldest = this.#left.keys().next()
    if (this.#left.size >= MAX_BUDGETS && !this.#left.has(place) && oldest.done !== true) this.#left.delete(oldest.value)
    this.#left.set(place, counted.budget)
    return counted
  }
}
