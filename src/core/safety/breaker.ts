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
 *     state     | outcome   | becomes
 *     closed    | succeeded | closed
 *     closed    | failed    | open once `failures` are within `windowMs`, else closed
 *     half-open | succeeded | closed, with nothing held against it
 *     half-open | failed    | open for twice as long, at most `maxOpenMs`
 *     open      | any       | open: an action from before it opened says nothing new
 */
export function afterOutcome (ledger: Ledger, outcome: 'succeeded' | 'failed', settings: BreakerSettings, nowMs: number): Ledger {
  const { breaker } = ledger
  switch (breaker.state) {
    case 'open': return ledger
    case 'half-open': {
      if (outcome === 'succeeded') return { ...ledger, failures: [], refusals: [], breaker: CLOSED }
      return { ...ledger, breaker: opened(settings, nowMs, Math.min(breaker.openMs * 2, settings.maxOpenMs)) }
    }
    case 'closed': {
      if (outcome === 'succeeded') return ledger
      const failures = [...ledger.failures, nowMs].slice(-settings.failures)
      return failures.length < settings.failures ? { ...ledger, failures } : { ...ledger, failures: [], breaker: opened(settings, nowMs) }
    }
  }
}
