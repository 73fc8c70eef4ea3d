import { conditionOf } from '../core/mitigation/conditions.ts'
import { observeAttempts, type Attempts } from '../core/mitigation/lifecycle.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { Counted } from '../core/mitigation/counted-attempts.ts'
import type { RestrictionCount } from '../core/mitigation/restriction-count.ts'
import { Budgets } from './budgets.ts'

/** What was counted for one mitigation and is not in its status yet. */
interface Held {
  readonly budgets: Budgets
  waiting: Attempts | null
  toldMs: number
}

/** While the answer stays the same, its numbers are written this often: each is a write to the store. */
const TELL_AGAIN_MS = 10_000

/** What the victims' proxies counted, gathered until it says something new of a mitigation. */
export class ProxyEvidence {
  readonly #held = new Map<string, Held>()

  /** The mitigations of which the counts say something new, with it. `told` hears of each count of attempts. */
  take (active: readonly Mitigation[], counts: readonly RestrictionCount[], told: (name: string, counted: Counted, atMs: number) => void, nowMs: number): readonly { readonly before: Mitigation, readonly after: Mitigation }[] {
    const bySource = Map.groupBy(counts, ({ source }) => source)
    return active.flatMap((before) => {
      const { subject } = before.spec
      if (before.status.simulated) return []
      const sources = subject === 'anySource' ? [null] : subject.addresses
      for (const count of sources.flatMap((address) => bySource.get(address) ?? [])) {
        const counted = this.#count(before, count)
        if (counted !== null) told(before.metadata.name, counted, count.atMs)
      }
      const after = this.#say(before, nowMs)
      return after === before ? [] : [{ before, after }]
    })
  }

  /** Lets go of what has ended. */
  keepOnly (active: readonly Mitigation[]): void {
    const names = new Set(active.map(({ metadata }) => metadata.name))
    for (const name of this.#held.keys()) if (!names.has(name)) this.#held.delete(name)
  }

  /** null where it tells of no attempts. */
  #count (mitigation: Mitigation, count: RestrictionCount): Counted | null {
    const programmed = conditionOf(mitigation, 'Programmed')
    if (programmed?.status !== 'True') return null
    const sinceMs = Date.parse(programmed.lastTransitionTime)
    if (count.atMs < sinceMs) return null
    const held = this.#held.get(mitigation.metadata.name) ?? { budgets: new Budgets(), waiting: null, toldMs: -Infinity }
    if (held.waiting !== null && held.waiting.sinceMs < sinceMs) held.waiting = null // it was programmed anew
    const counted = held.budgets.count(mitigation, count)
    if (counted === null) return null
    this.#held.set(mitigation.metadata.name, held)
    if (counted.attempts === 0) return null
    const { attempts, through, sinceMs: earliest } = held.waiting ?? { attempts: 0, through: 0, sinceMs: Infinity }
    held.waiting = { attempts: attempts + counted.attempts, through: through + counted.through, sinceMs: Math.min(earliest, count.atMs) }
    return counted
  }

  #say (mitigation: Mitigation, nowMs: number): Mitigation {
    const held = this.#held.get(mitigation.metadata.name)
    if (held?.waiting == null) return mitigation
    const says = held.waiting.through === 0 ? 'True' : 'False'
    if (conditionOf(mitigation, 'Enforcing')?.status === says && nowMs - held.toldMs < TELL_AGAIN_MS) return mitigation
    const said = observeAttempts(mitigation, held.waiting, nowMs)
    held.waiting = null
    held.toldMs = nowMs
    return said
  }
}
