import type { ReasonCode } from '../reason.ts'
import { REACH } from './reach.ts'
import type { SafetyCheck, SafetyRequest } from './safety.ts'
import type { SafetySettings } from './settings.ts'
import type { Halt, Ledger } from './state.ts'

/** What a check may look at. `ledger` is current: nothing in it has run out. */
export interface Hearing {
  readonly request: SafetyRequest
  readonly settings: SafetySettings
  readonly ledger: Ledger
  /** null: nobody stopped all actions. */
  readonly halt: Halt | null
  readonly nowMs: number
}

/** `reason`: where it fails for another one than its check does in general. */
export type Finding = Omit<SafetyCheck, 'check' | 'reason'> & { readonly reason?: ReasonCode }
export const passes = (message: string): Finding => ({ passed: true, message })
export const fails = (message: string): Finding => ({ passed: false, message })
export const decide = (passed: boolean, good: string, bad: string): Finding => passed ? passes(good) : fails(bad)

/** For checks that only concern actions which restrict somebody. */
export const ofRestriction = (look: (hearing: Hearing) => Finding) => (hearing: Hearing): Finding =>
  REACH[hearing.request.action] === 'restricts' ? look(hearing) : passes('the action restricts nobody')
