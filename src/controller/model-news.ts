import { Check } from 'typebox/value'
import type { Comparison } from '../core/model/comparison.ts'
import { ModelStanding } from '../core/model/standing.ts'
import type { ReasonCode } from '../core/reason.ts'
import type { Checkpoints } from '../ports/object-store.ts'
import type { Journal, NewAuditEntry } from './journal.ts'
import type { ControllerMetrics } from './metrics.ts'

const CHECKPOINT = 'models'

/** What the detector scores with: told as metrics and, where it changed, in the trail. What was told is kept over restarts. */
export class ModelNews {
  readonly #checkpoints: Checkpoints
  readonly #journal: Journal
  readonly #metrics: ControllerMetrics
  #standing: ModelStanding | null = null
  #comparison: Comparison | null = null

  constructor ({ checkpoints, journal, metrics }: { readonly checkpoints: Checkpoints, readonly journal: Journal, readonly metrics: ControllerMetrics }) {
    this.#checkpoints = checkpoints
    this.#journal = journal
    this.#metrics = metrics
  }

  /** null before a detector has told. */
  get standing (): ModelStanding | null {
    return this.#standing
  }

  /** Of the models that score now; null where no candidate does, or nothing was compared yet. */
  get comparison (): Comparison | null {
    const { current, shadow } = this.#standing ?? { current: null, shadow: null }
    return this.#comparison?.current === current && this.#comparison.candidate === shadow ? this.#comparison : null
  }

  compared (comparison: Comparison): void {
    this.#comparison = comparison
  }

  async take (standing: ModelStanding): Promise<void> {
    const kept = this.#checkpoints.load(CHECKPOINT)
    const before = this.#standing ?? (Check(ModelStanding, kept) ? kept : null)
    this.#standing = standing
    this.#metrics.models(standing)
    const audit = changes(before, standing)
    for (const { reason } of audit) if (reason === 'ModelNotUsed') this.#metrics.modelRefused()
    if (audit.length > 0) await this.#journal.keep({ writes: () => [this.#checkpoints.save(CHECKPOINT, standing)], audit })
  }
}

/** What differs, an entry each; a first word of a model without anybody's asking is no change. */
function changes (before: ModelStanding | null, { sequence, current, shadow, refused, by, reason: why }: ModelStanding): NewAuditEntry[] {
  const entry = (action: string, version: string, reason: ReasonCode, detail: Record<string, unknown>): NewAuditEntry =>
    ({ actor: by === '' ? 'detector' : `model:${by}`, action, object: `model/${version}`, reason, detail: { ...detail, why } })
  const fresh = refused.filter(({ version, message }) => before?.refused.some((told) => before.sequence === sequence && told.version === version && told.message === message) !== true)
  return [
    ...(before === null || before.current === current ? [] : [entry('model.current', current, 'ModelTaken', { before: before.current })]),
    ...(shadow === null || before?.shadow === shadow ? [] : [entry('model.shadow', shadow, 'ModelInShadow', { current })]),
    ...fresh.map(({ version, message }) => entry('model.refused', version, 'ModelNotUsed', { current, message })),
  ]
}
