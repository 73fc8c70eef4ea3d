import { sizeOf } from '../core/mitigation/escalation.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { RequestGround } from '../core/plan/safety-request.ts'
import type { Decision } from '../core/policy/decision.ts'
import type { SourceEvidence } from '../core/safety/safety.ts'
import type { SafetyState } from '../core/safety/state.ts'
import type { Detection } from '../core/verdict/detection.ts'
import type { Clock } from '../ports/clock.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Bench, Hearing } from './ruling.ts'
import { auditOf } from './decision-entry.ts'
import { grow, type GrowthRuling } from './grow.ts'
import type { Journal } from './journal.ts'
import type { MitigationDesk } from './mitigation-desk.ts'
import type { Settled } from './settled.ts'

export interface GrowthDeskParts {
  readonly store: Pick<ObjectStore, 'decisions'>
  readonly journal: Journal
  readonly clock: Clock
  readonly mitigations: MitigationDesk
  readonly settled: Settled
  readonly bench: (detection: Detection, nowMs: number) => Bench
  readonly safety: {
    /** With what stops all actions. */
    readonly now: () => SafetyState
    readonly take: (after: SafetyState) => void
    readonly save: () => Promise<void>
  }
  /** A decision is kept: whoever wants to hear of it does, and people are asked. */
  readonly told: (decision: Decision) => Promise<void>
  /** Whoever stops all actions waits for it. */
  readonly carryOut: (kept: Promise<void>) => Promise<void>
}

/** What was held back is asked for again this long after the last time: a plan takes some 50 ms in a large cluster. */
const ASK_AGAIN_MS = 10_000

/** Has mitigations grow that attempts get through, as far as their rules and safety let them. */
export class GrowthDesk {
  readonly #parts: GrowthDeskParts
  /** When a mitigation of one size was asked about last, Unix ms. */
  readonly #asked = new Map<string, number>()

  constructor (parts: GrowthDeskParts) {
    this.#parts = parts
  }

  /** Looks at the mitigations of a detection that goes on. */
  async hear ({ detection, evidence }: Pick<Hearing, 'detection' | 'evidence'>): Promise<void> {
    const { mitigations, bench, clock, safety, settled, carryOut } = this.#parts
    const pierced = mitigations.toGrow(detection).filter((mitigation) => this.#isDue(mitigation, clock.now()))
    if (pierced.length === 0) return
    const now = bench(detection, clock.now())
    for (const mitigation of pierced) {
      const grew = grow(mitigation, detection, evidence, safety.now(), now)
      if (grew === null || settled.isGrowthRefused(grew.ruling.decision)) continue
      safety.take(grew.state)
      if (settled.note(grew.ruling.decision)) await carryOut(this.#keep(grew.ruling, detection))
    }
  }

  #isDue ({ metadata: { name }, spec }: Mitigation, nowMs: number): boolean {
    for (const [key, atMs] of this.#asked) if (nowMs - atMs >= ASK_AGAIN_MS) this.#asked.delete(key)
    const key = `${name} ${sizeOf(spec)}`
    if (this.#asked.has(key)) return false
    this.#asked.set(key, nowMs)
    return true
  }

  /** What would be decided if somebody agreed; null where it has ended, or its rule does not ask for it any more. Nothing is kept. */
  foresee (mitigation: string, evidence: SourceEvidence, detection: Detection, agreed: NonNullable<RequestGround['agreed']>): ReturnType<typeof grow> {
    const { mitigations, bench, clock, safety } = this.#parts
    const found = mitigations.find(mitigation)
    return found?.status.phase === 'active' ? grow(found, detection, evidence, safety.now(), bench(detection, clock.now()), agreed) : null
  }

  /** Asks safety again, now that somebody agreed; null as with `foresee`. */
  async again (mitigation: string, evidence: SourceEvidence, detection: Detection, agreed: NonNullable<RequestGround['agreed']>): Promise<Decision | null> {
    const { safety, settled, carryOut } = this.#parts
    const grew = this.foresee(mitigation, evidence, detection, agreed)
    if (grew === null) return null
    safety.take(grew.state)
    settled.note(grew.ruling.decision)
    await carryOut(this.#keep(grew.ruling, detection))
    return grew.ruling.decision
  }

  async #keep ({ decision, growth, status, mitigation: name }: GrowthRuling, detection: Detection): Promise<void> {
    const { store, journal, mitigations, safety, told } = this.#parts
    await journal.keep({
      writes: () => [store.decisions.put(decision.id, decision), safety.save(), ...growth === null ? [] : [mitigations.keepGrown(growth)]],
      audit: [auditOf(decision, detection)],
      then: async () => {
        // What waited for a store that refused must not begin once somebody stopped all actions.
        if (growth !== null && safety.now().halt === undefined) await mitigations.grow(growth)
        else await mitigations.answered(name, (mitigation) => ({ ...mitigation, status: { ...mitigation.status, escalation: { ...status, outcome: 'held-back' } } }))
        await told(decision)
      },
    })
  }
}
