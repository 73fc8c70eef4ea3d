import type { AdmissionGap } from '../../core/admission/batch.ts'
import type { AdmissionEntry } from '../../core/admission/entry.ts'
import type { AuditTrail } from '../../ports/audit.ts'
import { BoundedMap } from './bounded-map.ts'
import type { PodContext } from './context.ts'
import type { AdmissionMetrics } from './metrics.ts'
import { ADMISSION_ACTIONS, readTrailEntry, trailEntry, trailGap, type Origin } from './trail-entry.ts'

/** Something to be written once. */
export type AdmissionRecord =
  | { readonly entry: AdmissionEntry, readonly origin: Origin | null }
  | { readonly gap: AdmissionGap, readonly origin: Origin | null }

const MAX_BOOTS = 1_000
const MAX_REVIEWS = 50_000
/** The newest of each action that are looked at after a start: more than all webhooks can have under way. */
const RECALLED = 2_000

/** The admissions' part of the audit trail: writes each once, however often it comes, and hands findings to the context. */
export class AdmissionTrail {
  readonly #audit: AuditTrail
  readonly #context: PodContext
  readonly #metrics: AdmissionMetrics
  readonly #boots = new BoundedMap<string, number>(MAX_BOOTS)
  readonly #reviews = new BoundedMap<string, true>(MAX_REVIEWS)
  #recalled = false
  #turn: Promise<unknown> = Promise.resolve()

  constructor ({ audit, context, metrics }: { audit: AuditTrail, context: PodContext, metrics: AdmissionMetrics }) {
    this.#audit = audit
    this.#context = context
    this.#metrics = metrics
  }

  /** Resolves when all of it is in the trail. Rejects UNAVAILABLE where the store refuses; then none of it is. */
  async write (records: readonly AdmissionRecord[]): Promise<void> {
    // One after the other: what is asked for a second time while the first is on its way to the disk must find it there.
    const before = this.#turn
    const turn = before.catch(() => undefined).then(async () => this.#write(records)) // whoever asked for the one before was told
    this.#turn = turn
    return turn
  }

  async #write (records: readonly AdmissionRecord[]): Promise<void> {
    this.recall()
    const reviews = new Set<string>()
    const news = records.filter((record) => {
      const isNew = !this.#isKnown(record) && !('entry' in record && reviews.has(record.entry.review))
      if ('entry' in record) reviews.add(record.entry.review)
      if (!isNew) this.#metrics.duplicate()
      return isNew
    })
    // Asked for in one turn, so that they share one transaction: all are kept, or none is.
    await Promise.all(news.map(async (record) => this.#audit.append('entry' in record ? trailEntry(record.entry, record.origin) : trailGap(record.gap, record.origin))))
    for (const record of news) {
      this.#learn(record)
      if ('gap' in record) this.#metrics.gap(record.gap)
      else this.#metrics.recorded(record.entry)
    }
    for (const { origin } of records) this.#advance(origin)
  }

  /** Takes up what the last run wrote; done before the first write, or when the controller starts. */
  recall (): void {
    if (this.#recalled) return
    const read = ADMISSION_ACTIONS.flatMap((action) => this.#audit.search({ action, limit: RECALLED }))
      .sort((a, b) => a.sequence - b.sequence)
      .flatMap((entry) => readTrailEntry(entry) ?? [])
    this.#recalled = true
    for (const { entry, gap, origin } of read) {
      if (entry !== null) this.#learn({ entry, origin })
      else if (gap !== null) this.#learn({ gap, origin })
    }
  }

  #isKnown (record: AdmissionRecord): boolean {
    const { origin } = record
    if (origin !== null && origin.sequence <= (this.#boots.get(origin.boot) ?? 0)) return true
    return 'entry' in record && this.#reviews.has(record.entry.review)
  }

  #learn (record: AdmissionRecord): void {
    this.#advance(record.origin)
    if (!('entry' in record)) return
    this.#reviews.set(record.entry.review, true)
    this.#context.remember(record.entry)
  }

  #advance (origin: Origin | null): void {
    if (origin !== null) this.#boots.set(origin.boot, Math.max(origin.sequence, this.#boots.get(origin.boot) ?? 0))
  }
}
