import { isDeepStrictEqual } from 'node:util'
import type { Mitigation } from '../src/core/mitigation/mitigation.ts'
import { assign, isRunning, type Duty, type Shortfall } from './restriction.ts'

interface Entry {
  readonly mitigation: Mitigation
  expiresMs: number
  readonly pods: ReadonlyMap<string, Duty['side']>
  readonly shortfall: Shortfall | null
}

const NONE: readonly Duty[] = []

/** What a proxy is told depends on nothing else of a mitigation: neither its conditions, nor when it ends and why. */
function essenceOf ({ spec: { subject, victims, services, destinations, direction, ports, action, limit, mode }, status: { simulated } }: Mitigation): object {
  return { subject, victims, services, destinations, direction, ports, action, limit, mode, simulated }
}

const saysTheSame = (one: Mitigation, other: Mitigation): boolean => one === other || isDeepStrictEqual(essenceOf(one), essenceOf(other))

/**
 * Which duties each pod's proxy has, kept so that a change costs what changed and not what there is. While a mitigation
 * asks for the same, its duties are the same objects, for all of its pods.
 */
export class DutyIndex {
  readonly #entries = new Map<string, Entry>()
  readonly #pods = new Map<string, Map<string, Duty>>()
  #nextExpiry = Infinity

  /** When the next mitigation ends by itself, in Unix ms; Infinity if none will. */
  get nextExpiry (): number {
    return this.#nextExpiry
  }

  /** Mitigations that no proxy can carry. */
  get shortfalls (): readonly Shortfall[] {
    return [...this.#entries.values()].flatMap(({ shortfall }) => shortfall ?? [])
  }

  of (podUid: string): readonly Duty[] {
    const duties = this.#pods.get(podUid)
    return duties === undefined ? NONE : [...duties.values()]
  }

  /** The whole desired set, of which those count that run at `nowMs`. Gives the pods whose duties are not what they were. */
  set (mitigations: readonly Mitigation[], nowMs: number): ReadonlySet<string> {
    const changed = new Set<string>()
    const running = new Map(mitigations.filter((mitigation) => isRunning(mitigation, nowMs)).map((mitigation) => [mitigation.metadata.name, mitigation]))
    for (const name of this.#entries.keys()) if (!running.has(name)) this.#remove(name, changed)
    for (const [name, mitigation] of running) {
      const before = this.#entries.get(name)
      if (before !== undefined && saysTheSame(before.mitigation, mitigation)) {
        before.expiresMs = Date.parse(mitigation.spec.expiresAt)
        continue
      }
      this.#remove(name, changed)
      this.#add(name, mitigation, changed)
    }
    this.#nextExpiry = this.#entries.values().reduce((next, { expiresMs }) => Math.min(next, expiresMs), Infinity)
    return changed
  }

  #add (name: string, mitigation: Mitigation, changed: Set<string>): void {
    const { pods, shortfall } = assign(mitigation)
    this.#entries.set(name, { mitigation, expiresMs: Date.parse(mitigation.spec.expiresAt), pods, shortfall })
    const shared = { victim: { mitigation, side: 'victim' }, subject: { mitigation, side: 'subject' } } as const
    for (const [uid, side] of pods) {
      const duties = this.#pods.get(uid) ?? new Map<string, Duty>()
      this.#pods.set(uid, duties.set(name, shared[side]))
      changed.add(uid)
    }
  }

  #remove (name: string, changed: Set<string>): void {
    for (const uid of this.#entries.get(name)?.pods.keys() ?? []) {
      const duties = this.#pods.get(uid)
      duties?.delete(name)
      if (duties?.size === 0) this.#pods.delete(uid)
      changed.add(uid)
    }
    this.#entries.delete(name)
  }
}
