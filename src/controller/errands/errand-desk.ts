import { AutoshieldError } from '../../core/errors.ts'
import { advance, type ErrandEvent, type Outcome } from '../../core/errand/advance.ts'
import { isDue, isWaiting, toldNow, type Errand, type TaskType } from '../../core/errand/errand.ts'
import type { Halt } from '../../core/safety/state.ts'
import type { Detection } from '../../core/verdict/detection.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ErrandCarrier, Errands } from '../../ports/errands.ts'
import type { Collection } from '../../ports/object-store.ts'
import type { Journal } from '../journal.ts'
import { Wake } from '../wake.ts'
import { entryOf } from './errand-entry.ts'
import type { ErrandMetrics } from './metrics.ts'

export interface ErrandDeskParts {
  readonly store: Collection<Errand>
  /** A detection as it is known now; null where it is not kept any more. */
  readonly detection: (id: string) => Detection | null
  readonly carrier: ErrandCarrier
  readonly journal: Journal
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly metrics: ErrandMetrics
  /** Why nothing is done at present; null while it is. */
  readonly halt: () => Halt | null
  /** How an action on the cluster ended, for the circuit breaker. */
  readonly outcome: (outcome: 'succeeded' | 'failed') => Promise<void>
}

const MAX_RESTORED = 20_000
/** Errands of one kind that wait; a flood of messages leaves room for evictions. */
const MAX_WAITING = 1_000
/** Attempts at one time, so that receivers that do not answer hold up few others. */
const MAX_UNDER_WAY = 16

/**
 * The outbox: what is to be done once. An errand is on the disk before it is attempted, and its outcome after; where the
 * process dies between the two it is attempted again, so everything is done at least once, under one id.
 */
export class ErrandDesk implements Errands {
  readonly #parts: ErrandDeskParts
  readonly #waiting = new Map<string, Errand>()
  readonly #underWay = new Map<string, Promise<void>>()
  readonly #news = new Wake()
  #version = 0

  constructor (parts: ErrandDeskParts) {
    this.#parts = parts
  }

  get (id: string): Errand | null {
    return this.#parts.store.get(id)
  }

  list (query?: { limit?: number }): readonly Errand[] {
    return this.#parts.store.list(query)
  }

  /** Another number whenever an errand came, changed or ended. */
  get version (): number {
    return this.#version
  }

  /** Takes up what waits. */
  restore (): void {
    for (const errand of this.#parts.store.list({ limit: MAX_RESTORED }).toReversed()) if (isWaiting(errand)) this.#waiting.set(errand.id, errand)
    this.#count()
  }

  /** What of new errands may wait: the rest is given up, which its record says. To be kept, then begun. */
  admit (errands: readonly Errand[]): readonly Errand[] {
    const nowMs = this.#parts.clock.now()
    const held = new Map<TaskType, number>()
    for (const { task } of this.#waiting.values()) held.set(task.type, (held.get(task.type) ?? 0) + 1)
    return errands.map((errand) => {
      const count = (held.get(errand.task.type) ?? 0) + 1
      held.set(errand.task.type, count)
      if (count <= MAX_WAITING) return errand
      return advance(errand, { type: 'attempted', outcome: { result: 'refused', reason: 'OutboxFull', message: `${MAX_WAITING} errands of this kind wait already.` } }, nowMs, 0)
    })
  }

  /** Writes a new errand; durable when it resolves. */
  async keep (errand: Errand): Promise<void> {
    await this.#parts.store.put(errand.id, errand)
  }

  /** Begins what `admit` gave and the caller wrote. */
  begin (errands: readonly Errand[]): void {
    for (const errand of errands) {
      if (isWaiting(errand)) this.#waiting.set(errand.id, errand)
      else this.#parts.metrics.ended(errand.task.type, errand.state.phase, errand.reason)
    }
    this.#count()
    this.#news.ring()
  }

  /** Looks at what is due. */
  ring (): void {
    this.#news.ring()
  }

  /** After the attempt that is under way. Throws NOT_FOUND, or CONFLICT where it has ended. */
  async cancel (id: string, actor: string, reason: string): Promise<Errand> {
    for (let attempt = this.#underWay.get(id); attempt !== undefined; attempt = this.#underWay.get(id)) await attempt
    const errand = this.#waiting.get(id) ?? this.get(id)
    if (errand === null) throw new AutoshieldError('NOT_FOUND', `There is no errand "${id}": list them with \`autoshield errands list\`.`)
    if (!isWaiting(errand)) throw new AutoshieldError('CONFLICT', `Errand ${id} has ended already (${errand.state.phase}): there is nothing left to cancel.`)
    return this.#take(errand, { type: 'cancelled', reason: 'Cancelled', message: `Cancelled by ${actor}: ${reason}` }, actor)
  }

  /** Attempts what is due until the signal aborts; an attempt that is broken off is made again by the next process. */
  async run (signal: AbortSignal): Promise<void> {
    while (await this.#news.next(signal)) {
      for (const errand of [...this.#waiting.values()]) this.#look(errand, signal)
    }
    await Promise.all(this.#underWay.values())
  }

  #look (errand: Errand, signal: AbortSignal): void {
    if (this.#underWay.has(errand.id) || this.#underWay.size >= MAX_UNDER_WAY) return
    const { halt, clock } = this.#parts
    const stopped = errand.task.type === 'alert' ? null : halt()
    const late = advance(errand, { type: 'waited' }, clock.now(), 0) !== errand
    if (stopped === null && !late && !isDue(errand, clock.now())) return
    const work = stopped !== null
      ? this.#take(errand, { type: 'cancelled', reason: 'Halted', message: `All actions were stopped by ${stopped.by}: ${stopped.reason}` })
      : late ? this.#take(errand, { type: 'waited' }) : this.#attempt(errand, signal)
    const ended = work.then(() => undefined).finally(() => {
      this.#underWay.delete(errand.id)
      if (this.#waiting.size > 0) this.#news.ring()
    })
    this.#underWay.set(errand.id, ended)
  }

  async #attempt (kept: Errand, signal: AbortSignal): Promise<void> {
    const errand = toldNow(kept, this.#parts.detection(kept.detection))
    const outcome = await this.#parts.carrier.attempt(errand, signal).catch((error: unknown): Outcome =>
      ({ result: 'again', reason: 'ReceiverAway', message: AutoshieldError.from(error).message }))
    if (signal.aborted && outcome.result === 'again') return // it was broken off by us
    this.#parts.metrics.attempt(errand.task.type, outcome.result)
    await this.#take(errand, { type: 'attempted', outcome })
  }

  async #take (errand: Errand, event: ErrandEvent, actor = 'autoshield'): Promise<Errand> {
    const { store, journal, clock, random, metrics, outcome } = this.#parts
    const after = advance(errand, event, clock.now(), random())
    if (isWaiting(after)) this.#waiting.set(after.id, after)
    else this.#waiting.delete(after.id)
    this.#count()
    if (!isWaiting(after)) metrics.ended(after.task.type, after.state.phase, after.reason)
    await journal.keep({ writes: () => [store.put(after.id, after)], audit: [entryOf(after, actor)] })
    if (after.task.type === 'eviction' && (after.state.phase === 'done' || after.state.phase === 'failed')) await outcome(after.state.phase === 'done' ? 'succeeded' : 'failed')
    return after
  }

  #count (): void {
    this.#version++
    const waiting = { alert: 0, webhook: 0, eviction: 0 }
    for (const { task } of this.#waiting.values()) waiting[task.type]++
    for (const type of ['alert', 'webhook', 'eviction'] as const) this.#parts.metrics.waiting(type, waiting[type])
  }
}
