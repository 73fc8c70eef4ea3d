import { buildSnapshot } from './build-snapshot.ts'
import { findProblems } from './consistency.ts'
import type { ProxySpec } from './proxy-spec.ts'
import type { Duty, Shortfall } from './restriction.ts'
import { createSnapshot, type Snapshot } from './snapshot.ts'
import { Validator } from './validate.ts'

/** A snapshot, or null with what is wrong with it: then it must not be sent. */
export interface Built {
  readonly snapshot: Snapshot | null
  readonly problems: readonly string[]
  readonly shortfalls: readonly Shortfall[]
}
export const UNBUILT: Built = { snapshot: null, problems: [], shortfalls: [] }

/** Different configurations kept: most pods of a fleet have one of a few. */
const KEPT = 1000

/** Builds and checks snapshots, each only once for all the pods that are told the same. */
export class SnapshotBuilder {
  readonly #configure: typeof buildSnapshot
  readonly #validator = new Validator()
  readonly #built = new Map<string, Built>()
  readonly #ids = new WeakMap<Duty, number>()
  #lastId = 0

  constructor (configure: typeof buildSnapshot = buildSnapshot) {
    this.#configure = configure
  }

  /** A duty that is the same object is taken to ask for the same. */
  build (spec: Omit<ProxySpec, 'podUid'>, duties: readonly Duty[]): Built {
    const basis = JSON.stringify([spec, duties.map((duty) => this.#idOf(duty)).sort((one, other) => one - other)])
    const known = this.#built.get(basis)
    if (known !== undefined) return known
    const built = this.#make(spec, duties)
    if (this.#built.size >= KEPT) this.#built.delete(this.#built.keys().next().value ?? '')
    this.#built.set(basis, built)
    return built
  }

  #idOf (duty: Duty): number {
    const id = this.#ids.get(duty) ?? ++this.#lastId
    this.#ids.set(duty, id)
    return id
  }

  #make (spec: Omit<ProxySpec, 'podUid'>, duties: readonly Duty[]): Built {
    const { content, mitigations, shortfalls } = this.#configure(spec, duties)
    const snapshot = createSnapshot(content, mitigations)
    const problems = findProblems(snapshot.content, this.#validator)
    return { snapshot: problems.length > 0 ? null : snapshot, problems, shortfalls }
  }
}
