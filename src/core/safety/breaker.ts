import type { BreakerSettings } from './settings.ts'
import type { Breaker, Ledger } from './state.ts'

export const CLOSED: Breaker = { state: 'closed' }

/**
 *     state     | time                    | admits
 *     closed    | -                       | pass
 *     open      | before `untilMs`        | refuse
 *     open      | at or after `untilMs`   | trial
 *     half-open | before `trialMs` passed | refuse
 *     half-open | `trialMs` passed        | trial
 */
export function admits (breaker: Breaker, settings: BreakerSettings, nowMs: number): 'pass' | 'trial' | 'refuse' {
  switch (breaker.state) {
    case 'closed': return 'pass'
    case 'open': return nowMs >= breaker.untilMs ? 'trial' : 'refuse'
    case 'half-open': return nowMs >= breaker.trialSinceMs + settings.trialMs ? 'trial' : 'refuse'
  }
}

/** When it next admits a trial, in Unix ms; null where it is closed. */
export function admitsAtMs (breaker: Breaker, settings: BreakerSettings): number | null {
  switch (breaker.state) {
    case 'closed': return null
    case 'open': return breaker.untilMs
    case 'half-open': return breaker.trialSinceMs + settings.trialMs
  }
}

/** An action was let through: where it was the trial, the breaker waits for its outcome. */
export function afterAdmission (breaker: Breaker, settings: BreakerSettings, nowMs: number): Breaker {
  const trial = admits(breaker, settings, nowMs) === 'trial'
  return trial && breaker.state !== 'closed' ? { state: 'half-open', trialSinceMs: nowMs, openMs: breaker.openMs } : breaker
}

export function opened (settings: BreakerSettings, nowMs: number, openMs = settings.openMs): Breaker {
  return { state: 'open', untilMs: nowMs + openMs, openMs }
}

/**
 * How an action ended. succeeded, failed: all its targets took it, or one refused it. undone: a person took it back. harmful: it stopped
 * what it should not have.
 */
export type Outcome = 'succeeded' | 'failed' | 'undone' | 'harmful'

/**
 * A failure is forgotten after `windowMs`. What was undone or harmful is regretted, and that is remembered for longer: people are slow.
 *
 *     state     | outcome         | becomes
 *     closed    | succeeded       | closed
 *     closed    | failed          | open once `failures` are within `windowMs`, else closed
 *     closed    | undone, harmful | open once `regrets` are within `regretWindowMs`, else closed
 *     half-open | succeeded       | closed, with no failure held against it; what was regretted still is
 *     half-open | any other       | open for twice as long, at most `maxOpenMs`
 *     open      | succeeded       | open: an action from before it opened says nothing new
 *     open      | failed          | open, for the same reason
 *     open      | undone, harmful | open, and remembered: the regret is new
 */
export function afterOutcome (ledger: Ledger, outcome: Outcome, settings: BreakerSettings, nowMs: number): Ledger {
  const { breaker } = ledger
  const isRegret = outcome === 'undone' || outcome === 'harmful'
  const regrets = isRegret ? [...ledger.regrets, nowMs].slice(-settings.regrets) : ledger.regrets
  switch (breaker.state) {
    case 'open': return isRegret ? { ...ledger, regrets } : ledger
    case 'half-open': {
      if (outcome === 'succeeded') return { ...ledger, failures: [], refusals: [], breaker: CLOSED }
      return { ...ledger, regrets, breaker: opened(settings, nowMs, Math.min(breaker.openMs * 2, settings.maxOpenMs)) }
    }
    case 'closed': {
      if (outcome === 'succeeded') return ledger
      if (isRegret) return regrets.length < settings.regrets ? { ...ledger, regrets } : { ...ledger, regrets: [], breaker: opened(settings, nowMs) }
      const failures = [...ledger.failures, nowMs].slice(-settings.failures)
      return failures.length < settings.failures ? { ...ledger, failures } : { ...ledger, failures: [], breaker: opened(settings, nowMs) }
    }
  }
}
