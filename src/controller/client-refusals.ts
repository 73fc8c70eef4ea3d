import { Turns } from '../core/turns.ts'
import type { AuditTrail } from '../ports/audit.ts'
import type { ClientRefusal, NumberedRefusal } from '../ports/proxies.ts'
import { BoundedMap } from './admissions/bounded-map.ts'
import type { NewAuditEntry } from './journal.ts'

const ACTION = 'xds.refused'
/** Runs of servers that are told apart. */
const MAX_INSTANCES = 1_000
/** The newest that are looked at after a start: more than all servers can have under way. */
const RECALLED = 2_000

/** That a server refused a client, as the trail has it; `more` is beside what was refused. */
export function refusalEntry (server: 'xds' | 'detector', { reason, peer, identity, details, count }: ClientRefusal, more: NewAuditEntry['detail'] = {}): NewAuditEntry {
  return {
    actor: identity ?? `address/${peer}`,
    action: `${server}.refused`,
    object: server,
    reason,
    detail: { peer, count, words: count === 1 ? details : `${details}, and ${count - 1} more`, ...more },
  }
}

/** Writes what xDS servers refused to the audit trail, each once, however often it comes and over restarts. */
export class ClientRefusals {
  readonly #audit: Pick<AuditTrail, 'append' | 'search'>
  /** The newest number that is in the trail, by instance. */
  readonly #taken = new BoundedMap<string, number>(MAX_INSTANCES)
  /** What comes a second time while the first is on its way to the disk must find it there. */
  readonly #turns = new Turns()
  #recalled = false

  constructor (audit: Pick<AuditTrail, 'append' | 'search'>) {
    this.#audit = audit
  }

  /** Resolves when all of it is in the trail. Rejects UNAVAILABLE where the store refuses; then none of it is. */
  async take (instance: string, refusals: readonly NumberedRefusal[]): Promise<void> {
    await this.#turns.take(instance, async () => {
      this.#recall()
      const taken = this.#taken.get(instance) ?? 0
      const news = refusals.filter(({ sequence }) => sequence > taken)
      // Asked for in one turn, so that they share one transaction: all are kept, or none is.
      await Promise.all(news.map(async ({ sequence, atMs, ...refusal }) => this.#audit.append(refusalEntry('xds', refusal, { at: new Date(atMs).toISOString(), instance, sequence }))))
      this.#advance(instance, news.at(-1)?.sequence ?? 0)
    })
  }

  #recall (): void {
    if (this.#recalled) return
    for (const { detail: { instance, sequence } } of this.#audit.search({ action: ACTION, limit: RECALLED })) {
      if (typeof instance === 'string' && typeof sequence === 'number') this.#advance(instance, sequence)
    }
    this.#recalled = true
  }

  #advance (instance: string, sequence: number): void {
    this.#taken.set(instance, Math.max(sequence, this.#taken.get(instance) ?? 0))
  }
}
