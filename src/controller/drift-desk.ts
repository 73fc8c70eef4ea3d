import { Value } from 'typebox/value'
import { addCounts, driftOf, loadTraffic, saveTraffic, SavedTraffic, unfamiliarOf, type Drift, type Traffic, type Unfamiliar, type WindowCounts } from '../core/drift/drift.ts'
import { parseSpiffeId } from '../core/identity.ts'
import type { Score } from '../core/verdict/score.ts'
import type { Clock } from '../ports/clock.ts'
import type { Checkpoints } from '../ports/object-store.ts'
import type { ModelInfo } from '../ports/scorer.ts'
import type { Journal } from './journal.ts'
import type { Log } from './log.ts'
import type { ControllerMetrics } from './metrics.ts'

export interface DriftDeskParts {
  readonly checkpoints: Checkpoints
  readonly journal: Journal
  readonly metrics: ControllerMetrics
  readonly clock: Clock
  readonly log: Log
}

const CHECKPOINT = 'drift'

/** Whether what the cluster does is like what the model was trained on, by namespace; kept over restarts. */
export class DriftDesk {
  readonly #parts: DriftDeskParts
  #traffic: Traffic = new Map()
  #model: ModelInfo | null = null
  readonly #drifts = new Map<string, Drift>()
  #touched = false

  constructor (parts: DriftDeskParts) {
    this.#parts = parts
  }

  restore (): void {
    const saved = this.#parts.checkpoints.load(CHECKPOINT)
    if (Value.Check(SavedTraffic, saved)) this.#traffic = loadTraffic(saved)
  }

  /** Another model knows other traffic. */
  setModel (model: ModelInfo): void {
    this.#model = model
    this.#drifts.clear()
    for (const namespace of this.#traffic.keys()) this.#look(namespace)
  }

  take (counts: readonly WindowCounts[]): void {
    for (const each of counts) {
      addCounts(this.#traffic, each, this.#parts.clock.now())
      this.#look(each.namespace)
    }
    this.#touched ||= counts.length > 0
  }

  /** Of each namespace that was seen; by name. Empty where the model does not say what it was trained on. */
  list (): readonly Drift[] {
    return [...this.#drifts.values()].toSorted((one, other) => one.namespace < other.namespace ? -1 : 1)
  }

  /** That a live score comes from a namespace whose traffic the model does not know. */
  unfamiliar (score: Score): Unfamiliar | null {
    const drift = score.simulated ? undefined : this.#drifts.get(parseSpiffeId(score.reporter)?.namespace ?? '')
    return drift === undefined ? null : unfamiliarOf(drift)
  }

  async checkpoint (): Promise<void> {
    if (!this.#touched) return
    this.#touched = false
    await this.#parts.journal.keep({ writes: () => [this.#parts.checkpoints.save(CHECKPOINT, saveTraffic(this.#traffic))], audit: [] })
  }

  #look (namespace: string): void {
    const known = this.#model?.known ?? null
    const drift = known === null ? null : driftOf(this.#traffic, namespace, known)
    if (drift === null) return
    const before = this.#drifts.get(namespace)?.standing ?? 'learning'
    this.#drifts.set(namespace, drift)
    const { standing, unknown, limit, features } = drift
    if (standing !== 'learning') this.#parts.metrics.drift(namespace, unknown, limit)
    const words = { namespace, model: this.#model?.version, unknown, limit, features: features.slice(0, 3).map(({ feature }) => feature) }
    if (standing === 'unfamiliar' && before !== 'unfamiliar') this.#parts.log.warn(words, 'the traffic of a namespace is unlike what the model was trained on: restrictions for what is detected there wait for a person; see `autoshield model drift`')
    if (standing === 'familiar' && before === 'unfamiliar') this.#parts.log.info(words, 'the traffic of a namespace is like what the model was trained on again')
  }
}
