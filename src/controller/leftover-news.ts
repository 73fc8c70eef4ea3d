import { withLeftover } from '../core/mitigation/leftover.ts'
import type { Clock } from '../ports/clock.ts'
import type { LoopEvent } from '../ports/loop.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { PolicyFleet } from './actuation/policy-actuator.ts'
import type { Journal } from './journal.ts'
import { entryOf } from './mitigation-entry.ts'

export interface LeftoverNewsParts {
  /** null where no cluster is connected. */
  readonly policies: Pick<PolicyFleet, 'leftovers'> | null
  readonly store: ObjectStore
  readonly journal: Journal
  readonly clock: Clock
  readonly publish: (event: LoopEvent) => void
}

/** Tells in the status of mitigations that have ended what of them could not be taken away yet, and that it is gone at last. */
export class LeftoverNews {
  readonly #parts: LeftoverNewsParts
  /** Those of which it was told that something is left. */
  #told: ReadonlySet<string> = new Set()

  constructor (parts: LeftoverNewsParts) {
    this.#parts = parts
  }

  async look (): Promise<void> {
    const { policies, store, journal, clock, publish } = this.#parts
    const left = policies?.leftovers() ?? new Map<string, string>()
    const names = new Set([...left.keys(), ...this.#told])
    this.#told = new Set(left.keys())
    await Promise.all([...names].map(async (name) => {
      const before = store.mitigations.get(name)
      if (before === null) return
      const mitigation = withLeftover(before, left.get(name) ?? null, clock.now())
      if (mitigation === before) return
      const kept = left.get(name)
      await journal.keep({
        writes: () => [store.mitigations.put(name, mitigation)],
        audit: kept === undefined ? [] : [{ ...entryOf(mitigation, 'mitigation.left-over', 'NotRemoved'), detail: { message: kept } }],
        then: () => publish({ type: 'mitigation', mitigation }),
      })
    }))
  }
}
