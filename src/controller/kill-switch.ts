import { AutoshieldError } from '../core/errors.ts'
import type { Halt } from '../core/safety/state.ts'
import type { Clock, KillSwitch, Pulled } from '../ports.ts'
import type { DecisionDesk } from './decision-desk.ts'
import type { MitigationDesk } from './mitigation-desk.ts'

export interface KillSwitchParts {
  readonly decisions: DecisionDesk
  readonly mitigations: MitigationDesk
  readonly clock: Clock
}

/** A person's way to stop the loop from acting, and to take back what it did, without stopping the loop: it goes on to see, and to alert. */
export class LoopKillSwitch implements KillSwitch {
  readonly #parts: KillSwitchParts

  constructor (parts: KillSwitchParts) {
    this.#parts = parts
  }

  get halt (): Halt | null {
    return this.#parts.decisions.halt
  }

  async pull (actor: string, reason: string, undo: boolean): Promise<Pulled> {
    const { decisions, mitigations, clock } = this.#parts
    const halt = { by: actor, reason, at: new Date(clock.now()).toISOString() }
    await decisions.stop(halt)
    const names = undo ? mitigations.active.map(({ metadata }) => metadata.name) : []
    const undone = await Promise.allSettled(names.map(async (name) => mitigations.revert(name, { actor, reason: 'Reverted', why: reason })))
    const failed = names.flatMap((mitigation, at) => {
      const outcome = undone[at]
      return outcome?.status === 'rejected' ? [{ mitigation, message: AutoshieldError.from(outcome.reason).message }] : []
    })
    return { halt, undone: names.length - failed.length, failed }
  }

  async release (actor: string, reason: string): Promise<void> {
    const { decisions } = this.#parts
    const { halt } = decisions
    if (halt === null) throw new AutoshieldError('CONFLICT', 'Nobody stopped the actions, so there is nothing to let go on.')
    await decisions.goOn(halt, actor, reason)
  }
}
