import type { Clock } from '../src/ports/clock.ts'
import type { ClientRefusal } from '../src/ports/proxies.ts'
import type { Refusal, RefusalReason } from './refusal.ts'

/** One refusal, or several of one peer within a minute, for the audit trail. */
export type RefusalRecord = ClientRefusal & Refusal

export interface RefusalLogOptions {
  readonly clock: Clock
  /** Told of refusals, at most `toldOfOne` and a sum a minute and peer; must not throw. */
  readonly onRefusal: (record: RefusalRecord) => void
  readonly toldOfOne: number
  /** Peers that are told apart within a minute; the others share one place. */
  readonly mostPeers: number
}

const MINUTE_MS = 60_000

interface Told {
  told: number
  held: number
  last: RefusalRecord | null
}

/** Counts every refusal, and tells of them no faster than a trail can take: who is refused decides how often that happens. */
export class RefusalLog {
  readonly #options: RefusalLogOptions
  readonly #counts = new Map<RefusalReason, number>()
  readonly #peers = new Map<string, Told>()
  #endsMs = -Infinity

  constructor (options: RefusalLogOptions) {
    this.#options = options
  }

  /** How often each reason was given since the start. */
  get counts (): ReadonlyMap<RefusalReason, number> {
    return this.#counts
  }

  add (refusal: Omit<RefusalRecord, 'count'>): void {
    this.sweep()
    const { reason, peer } = refusal
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
    const { toldOfOne, mostPeers, onRefusal } = this.#options
    const place = this.#peers.has(peer) || this.#peers.size < mostPeers ? peer : ''
    const of = this.#peers.get(place) ?? { told: 0, held: 0, last: null }
    this.#peers.set(place, of)
    const record = { ...refusal, count: 1 }
    if (of.told < toldOfOne) {
      of.told++
      onRefusal(record)
    } else {
      of.held++
      of.last = record
    }
  }

  /** Tells the sums of a minute that is over. To be called now and then. */
  sweep (): void {
    const nowMs = this.#options.clock.now()
    if (nowMs < this.#endsMs) return
    this.#endsMs = nowMs + MINUTE_MS
    this.flush()
  }

  /** Tells what is held back, whatever the time. */
  flush (): void {
    const sums = [...this.#peers.values()].flatMap(({ held, last }) => last === null ? [] : [{ ...last, count: held }])
    this.#peers.clear()
    for (const sum of sums) this.#options.onRefusal(sum)
  }
}
