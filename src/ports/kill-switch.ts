import type { PanicOrder } from '../core/safety/panic-order.ts'
import type { Halt } from '../core/safety/state.ts'

/** What pulling the kill switch did. */
export interface Pulled {
  readonly halt: Halt
  /** How many mitigations were undone. */
  readonly undone: number
  /** Those that were to be undone and could not be. */
  readonly failed: readonly { readonly mitigation: string, readonly message: string }[]
}

/** A kill switch that stands outside of the loop, and that nobody has to call. */
export interface StandingOrders {
  /** null: there is none. */
  current: () => PanicOrder | null
  onChange: (listener: () => void) => Disposable
}

export interface KillSwitch {
  /** null: it is not pulled. */
  readonly halt: Halt | null
  /** No new action from now on, also after a restart; `undo` takes back what is in force. Rejects where it could not be kept: then it holds until the process ends. */
  pull: (actor: string, reason: string, undo: boolean) => Promise<Pulled>
  /** Throws CONFLICT where it is not pulled, or where a standing order pulls it. */
  release: (actor: string, reason: string) => Promise<void>
}
