import { buildSnapshot } from './build-snapshot.ts'
import { findProblems } from './consistency.ts'
import type { ProxySpec } from './proxy-spec.ts'
import type { ProxyStatus } from '../src/ports/proxies.ts'
import type { Duty, Shortfall } from './restriction.ts'
import { openConnectionsOf } from './open-connections.ts'
import { createSnapshot, type Snapshot } from './snapshot.ts'
import { Validator } from './validate.ts'

/** A snapshot, or null with what is wrong with it: then it must not be sent. */
export interface Built {
  readonly snapshot: Snapshot | null
  readonly problems: readonly string[]
  readonly shortfalls: readonly Shortfall[]
  /** Reckoned when first asked for; `clientsKept`: applications see their clients' addresses. */
  readonly openConnections: (clientsKept: boolean) => ProxyStatus['openConnections']
}
const NOTHING = {}
export const UNBUILT: Built = { snapshot: null, problems: [], shortfalls: [], openConnections: () => NOTHING }

/** So many are remembered before those that no pod has any more are looked for. */
const SWEEP_AT = 1000

/** Counted since the start, but for `held`. */
export interface BuilderStats {
  readonly built: number
  /** Asked for and there already. */
  readonly shared: number
  /** That are remembered now, some of which no pod may have any more. */
  readonly held: number
  /** That no pod had any more, and that were let go. */
  readonly forgotten: number
}

/** Builds and checks snapshots, each only once for all the pods that are told the same. What no pod has any more is let go. */
export class SnapshotBuilder {
  readonly #configure: typeof buildSnapshot
  readonly #validator = new Validator()
  readonly #built = new Map<string, WeakRef<Built>>()
  readonly #ids = new WeakMap<Duty, number>()
  readonly #shapes = new WeakMap<object, string>()
  #lastId = 0
  readonly #counts = { built: 0, shared: 0, forgotten: 0 }
  #sweepAt = SWEEP_AT

  constructor (configure: typeof buildSnapshot = buildSnapshot) {
    this.#configure = configure
  }

  get stats (): BuilderStats {
    return { ...this.#counts, held: this.#built.size }
  }

  /** A duty, or a spec, that is the same object is taken to ask for the same. */
  build (spec: Omit<ProxySpec, 'podUid'>, duties: readonly Duty[]): Built {
    const basis = `${this.#shapeOf(spec)} ${duties.map((duty) => this.#idOf(duty)).sort((one, other) => one - other).join(' ')}`
    const known = this.#built.get(basis)?.deref()
    if (known !== undefined) {
      this.#counts.shared++
      return known
    }
    this.#counts.built++
    const built = this.#make(spec, duties)
    if (this.#built.delete(basis)) this.#counts.forgotten++
    if (this.#built.size >= this.#sweepAt) this.#sweep()
    this.#built.set(basis, new WeakRef(built))
    return built
  }

  #sweep (): void {
    for (const [basis, built] of this.#built) if (built.deref() === undefined && this.#built.delete(basis)) this.#counts.forgotten++
    this.#sweepAt = Math.max(SWEEP_AT, 2 * this.#built.size)
  }

  /** All of the spec but whose it is. */
  #shapeOf (spec: Omit<ProxySpec, 'podUid'>): string {
    const shape = this.#shapes.get(spec) ?? JSON.stringify({ ...spec, podUid: undefined })
    this.#shapes.set(spec, shape)
    return shape
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
    const reckoned = new Map<boolean, ProxyStatus['openConnections']>()
    const openConnections = (clientsKept: boolean): ProxyStatus['openConnections'] => {
      const known = reckoned.get(clientsKept) ?? openConnectionsOf(spec, duties, clientsKept)
      reckoned.set(clientsKept, known)
      return known
    }
    return { snapshot: problems.length > 0 ? null : snapshot, problems, shortfalls, openConnections }
  }
}
