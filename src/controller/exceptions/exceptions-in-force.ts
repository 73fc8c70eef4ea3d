import { covers } from '../../core/exception/covers.ts'
import type { ExceptionSpec } from '../../core/exception/exception.ts'
import type { Covered } from '../../core/exception/exception-status.ts'
import type { Action, Rule } from '../../core/policy/rule.ts'
import type { Detection } from '../../core/verdict/detection.ts'
import type { Clock } from '../../ports/clock.ts'
import type { PodDirectory } from '../../ports/directories.ts'
import type { Coverage, Ruling } from '../ruling.ts'

interface InForce { readonly name: string, readonly spec: ExceptionSpec }

/** The exceptions that hold, for whoever decides; and what they held back since anybody asked. */
export class ExceptionsInForce {
  readonly #pods: PodDirectory
  readonly #clock: Clock
  readonly #covered = new Map<string, Covered>()
  #inForce: readonly InForce[] = []
  #version = 0

  constructor ({ pods, clock }: { readonly pods: PodDirectory, readonly clock: Clock }) {
    this.#pods = pods
    this.#clock = clock
  }

  /** Counts the sets that were put in force. */
  get version (): number {
    return this.#version
  }

  /** False where it is the same set. */
  set (exceptions: readonly InForce[]): boolean {
    if (JSON.stringify(exceptions) === JSON.stringify(this.#inForce)) return false
    this.#inForce = exceptions
    this.#version++
    return true
  }

  /** Which exception covers an action of a rule for a detection; null where none does. The first by name is told. */
  coverage (detection: Detection, rule: Rule, action: Action): Coverage | null {
    const found = this.#find(detection, rule, action)
    return found === null ? null : { exception: found.name, words: `exception ${found.name} covers it until ${found.spec.until}: ${found.spec.reason} (${found.spec.by})` }
  }

  /** Counts decisions that were told. */
  note (detection: Detection, rulings: readonly Ruling[]): void {
    for (const { decision, rule, actionIndex } of rulings) {
      const action = rule?.actions[actionIndex]
      const found = decision.reason === 'Excepted' && rule !== null && action !== undefined ? this.#find(detection, rule, action) : null
      if (found === null) continue
      this.#covered.set(found.name, { count: (this.#covered.get(found.name)?.count ?? 0) + 1, lastMs: this.#clock.now() })
    }
  }

  /** What one held back and was not written down yet. */
  covered (name: string): Covered | null {
    return this.#covered.get(name) ?? null
  }

  /** It is written down now. */
  written (name: string, { count, lastMs }: Covered): void {
    const now = this.#covered.get(name)
    if (now === undefined || now.count <= count) this.#covered.delete(name)
    else this.#covered.set(name, { count: now.count - count, lastMs: Math.max(now.lastMs, lastMs) })
  }

  #find (detection: Detection, { severity }: Rule, { type }: Action): InForce | null {
    return this.#inForce.find(({ spec }) => covers(spec, {
      detection,
      severity,
      action: type,
      podOf: ({ uid, address }) => uid === undefined ? this.#pods.byAddress(address) : this.#pods.byUid(uid),
      nowMs: this.#clock.now(),
    })) ?? null
  }
}
