import { AutoshieldError } from '../core/errors.ts'
import { PANIC_MAP, type PanicOrder } from '../core/safety/panic-order.ts'
import type { Halt } from '../core/safety/state.ts'
import type { Clock } from '../ports/clock.ts'
import type { KillSwitch, Pulled, StandingOrders } from '../ports/kill-switch.ts'
import type { LoopEvent } from '../ports/loop.ts'
import type { DecisionDesk } from './decision-desk.ts'
import type { Journal } from './journal.ts'
import type { Log } from './log.ts'
import type { MitigationDesk } from './mitigation-desk.ts'
import { Wake } from './wake.ts'

export interface KillSwitchParts {
  readonly decisions: DecisionDesk
  readonly mitigations: MitigationDesk
  readonly journal: Journal
  readonly clock: Clock
  readonly publish: (event: LoopEvent) => void
  readonly log: Log
  /** null where there is no cluster that could hold one. */
  readonly orders: StandingOrders | null
}

/**
 * A person's way to stop the loop from acting, and to take back what it did, without stopping the loop: it goes on to see, and to alert.
 * Pulled by the API, or for as long as a standing order of the cluster says so.
 */
export class LoopKillSwitch implements KillSwitch {
  readonly #parts: KillSwitchParts
  /** The order that is in the trail. */
  #told: PanicOrder | null = null
  readonly #news = new Wake()

  constructor (parts: KillSwitchParts) {
    this.#parts = parts
  }

  get halt (): Halt | null {
    return this.#parts.decisions.halt
  }

  async pull (actor: string, reason: string, undo: boolean): Promise<Pulled> {
    const { decisions, clock, publish } = this.#parts
    const halt = { by: actor, reason, at: new Date(clock.now()).toISOString() }
    await decisions.stop(halt)
    publish({ type: 'halt', halt })
    const { undone, failed } = undo ? await this.#undoAll(halt) : { undone: 0, failed: [] }
    return { halt, undone, failed }
  }

  async release (actor: string, reason: string): Promise<void> {
    const { decisions, publish, orders } = this.#parts
    const { halt } = decisions
    if (halt === null) throw new AutoshieldError('CONFLICT', 'Nobody stopped the actions, so there is nothing to let go on.')
    if (decisions.ownHalt !== null) {
      await decisions.goOn(decisions.ownHalt, actor, reason)
      publish({ type: 'halt', halt: this.halt })
    }
    if (orders?.current() != null) throw new AutoshieldError('CONFLICT', `The ConfigMap ${PANIC_MAP} stops all actions for as long as it says so: delete it, or take it out of what writes it.`)
  }

  /** Follows standing orders until the signal aborts. */
  async run (signal: AbortSignal): Promise<void> {
    using following = this.#parts.orders?.onChange(() => this.#news.ring())
    while (await this.#news.next(signal)) await this.follow()
    following?.[Symbol.dispose]()
  }

  /** Looks again: what could not be undone is tried anew. */
  ring (): void {
    this.#news.ring()
  }

  /**
   * Does what the standing order of now says. Level-based: asked again, it undoes what has come since or could not be undone; what cannot
   * be written yet is written later.
   */
  async follow (): Promise<void> {
    const { decisions, journal, orders, publish } = this.#parts
    const order = orders?.current() ?? null
    decisions.order = order?.halt ?? null
    if (JSON.stringify(order) !== JSON.stringify(this.#told)) {
      const before = this.#told
      this.#told = order
      await journal.keep({
        writes: () => [],
        audit: order === null
          ? [{ actor: before?.halt.by ?? 'autoshield', action: 'panic.ended', object: 'safety', reason: 'Released', detail: { reason: 'the ConfigMap says so no more' } }]
          : [{ actor: order.halt.by, action: 'panic.begun', object: 'safety', reason: 'Halted', detail: { reason: order.halt.reason, undo: order.undo } }],
      })
      publish({ type: 'halt', halt: this.halt })
    }
    if (order?.undo !== true) return
    for (const { mitigation, message } of (await this.#undoAll(order.halt)).failed) this.#parts.log.warn({ mitigation, error: message }, `${mitigation} could not be undone yet: ${message}`)
  }

  async #undoAll ({ by, reason }: Halt): Promise<Pick<Pulled, 'undone' | 'failed'>> {
    const { mitigations } = this.#parts
    const names = mitigations.active.map(({ metadata }) => metadata.name)
    const undone = await Promise.allSettled(names.map(async (name) => mitigations.revert(name, { actor: by, reason: 'Reverted', why: reason })))
    const failed = names.flatMap((mitigation, at) => {
      const outcome = undone[at]
      return outcome?.status === 'rejected' ? [{ mitigation, message: AutoshieldError.from(outcome.reason).message }] : []
    })
    return { undone: names.length - failed.length, failed }
  }
}
