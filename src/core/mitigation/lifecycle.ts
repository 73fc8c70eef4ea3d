import type { ProxyAnswer } from './proxy-answer.ts'
import type { Mitigation, MitigationSpec } from './mitigation.ts'
import type { Plan } from '../plan/plan.ts'

/** What a new mitigation is called and rests on. */
export interface Birth {
  readonly name: string
  readonly uid: string
  readonly annotations?: Readonly<Record<string, string>>
  /** The plan that it comes from: undo, policy objects, and whether anything here can enforce it. */
  readonly plan: Pick<Plan, 'undo' | 'targets' | 'reason' | 'message'>
}

export declare function createMitigation (spec: MitigationSpec, birth: Birth, nowMs: number): Mitigation

/** Level-based: the same statuses twice give the same mitigation. Ended mitigations are returned as they are. */
export declare function withProxyStatuses (mitigation: Mitigation, statuses: readonly ProxyAnswer[], nowMs: number): Mitigation

/** Attempts of the subject seen after `Programmed`, and how many got through. */
export declare function observeAttempts (mitigation: Mitigation, seen: { readonly attempts: number, readonly through: number, readonly sinceMs: number }, nowMs: number): Mitigation

export type Ending =
  | { readonly outcome: 'ended', readonly mitigation: Mitigation }
  | { readonly outcome: 'running', readonly mitigation: Mitigation, readonly remainingMs: number }
  | { readonly outcome: 'already-ended', readonly mitigation: Mitigation }

/** Ends it once `expiresAt` is reached. */
export declare function expire (mitigation: Mitigation, nowMs: number): Ending

/** A person's undo. `already-ended` where there is nothing left to undo. */
export declare function revert (mitigation: Mitigation, actor: string, reason: string, nowMs: number): Exclude<Ending, { outcome: 'running' }>
