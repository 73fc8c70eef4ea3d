import type { AuditTrail } from '../../ports/audit.ts'
import type { NewAuditEntry } from '../journal.ts'

export interface PutBackTrailParts {
  readonly audit: Pick<AuditTrail, 'search'>
  /** Never rejects. */
  readonly write: (entries: readonly NewAuditEntry[]) => Promise<void>
}

/** What webhooks saw reaches the trail a moment after it happened. */
const BEATS = 2
const LOOKED_AT = 20
const UNKNOWN = '(unknown)'

/** Tells in the trail of what was put back, by whom it had been taken away: as admission saw it, or else by the name of the field manager. */
export class PutBackTrail {
  readonly #parts: PutBackTrailParts
  #waiting: { readonly entry: NewAuditEntry, beats: number }[] = []

  constructor (parts: PutBackTrailParts) {
    this.#parts = parts
  }

  async tell (entries: readonly NewAuditEntry[]): Promise<void> {
    const [later, now] = [entries.filter(({ reason }) => reason === 'PutBack'), entries.filter(({ reason }) => reason !== 'PutBack')]
    this.#waiting.push(...later.map((entry) => ({ entry, beats: BEATS })))
    if (now.length > 0) await this.#parts.write(now)
  }

  /** To be called about once a second. */
  async beat (): Promise<void> {
    for (const each of this.#waiting) each.beats--
    const due = this.#waiting.filter(({ beats }) => beats <= 0)
    if (due.length === 0) return
    this.#waiting = this.#waiting.filter(({ beats }) => beats > 0)
    await this.#parts.write(due.map(({ entry }) => ({ ...entry, actor: this.#seenAtAdmission(entry.object) ?? entry.actor })))
  }

  #seenAtAdmission (object: string): string | null {
    const found = this.#parts.audit.search({ object, limit: LOOKED_AT }).find(({ action, actor }) => action.startsWith('admission.') && actor !== UNKNOWN)
    return found?.actor ?? null
  }
}
