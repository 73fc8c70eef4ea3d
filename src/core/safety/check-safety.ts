import type { Verdict } from '../policy/decision.ts'
import type { ReasonCode } from '../reason.ts'
import { caseOf, runChecks } from './checks.ts'
import { currentLedger, withAction, withCooldown, withRefusal, withSimulatedSuccess } from './ledger.ts'
import type { SafetyCheck, SafetyRequest, SafetyResult } from './safety.ts'
import type { SafetySettings } from './settings.ts'
import { VERDICT_OF } from './verdict-of.ts'
import type { Lane, Ledger, SafetyState } from './state.ts'

/**
 *     first failed check            | action     | verdict             | uses up
 *     one that alerts or holds      | -          | alert, hold         | nothing: it may pass as soon as the evidence changes
 *     one that suppresses           | -          | suppress            | nothing; a refusal by rate is remembered
 *     one that simulates            | alert_only | alert (AlertOnly)   | its cooldown
 *     one that simulates            | other      | simulate            | cooldown and allowance of the simulated ledger
 *     none                          | alert_only | alert (AlertOnly)   | its cooldown
 *     none                          | other      | mitigate            | cooldown and allowance of the enforced ledger
 *
 * Which ledger counts is known before: it is the enforced one only where nothing would simulate the action.
 */
export function checkSafety (state: SafetyState, request: SafetyRequest, settings: SafetySettings, nowMs: number): SafetyResult {
  const lane: Lane = request.simulatedEvidence || !settings.actuationEnabled || !isDoneHere(request, settings) ? 'simulated' : 'enforced'
  const ledger = currentLedger(state[lane], settings, nowMs)
  const checks = runChecks({ request, settings, ledger, halt: state.halt ?? null, nowMs })
  const { verdict, reason, message } = judge(request, checks)
  const after = booked(ledger, lane, request, verdict, reason, settings, nowMs)
  return { verdict, reason, message, checks, state: after === ledger ? state : { ...state, [lane]: after } }
}

const isDoneHere = ({ action, rollout = 'enforce' }: SafetyRequest, { actions }: SafetySettings): boolean => rollout === 'enforce' && actions[action] === 'here'

function judge (request: SafetyRequest, checks: readonly SafetyCheck[]): Pick<SafetyResult, 'verdict' | 'reason' | 'message'> {
  const failed = checks.find(({ passed }) => !passed)
  const verdict = failed === undefined ? 'mitigate' : VERDICT_OF[failed.reason] ?? 'hold'
  if ((verdict === 'mitigate' || verdict === 'simulate') && request.action === 'alert_only') {
    return { verdict: 'alert', reason: 'AlertOnly', message: 'the action is an alert and restricts nothing' }
  }
  return failed === undefined ? { verdict, reason: 'RuleMatched', message: 'nothing held it back' } : { verdict, reason: failed.reason, message: failed.message }
}

function booked (ledger: Ledger, lane: Lane, request: SafetyRequest, verdict: Verdict, reason: ReasonCode, settings: SafetySettings, nowMs: number): Ledger {
  const name = caseOf(request)
  if (reason === 'RateLimited') return withRefusal(ledger, name, settings, nowMs)
  const cooling = withCooldown(ledger, name, nowMs + request.cooldownSeconds * 1000, settings)
  if (reason === 'AlertOnly') return cooling
  if (verdict !== 'mitigate' && verdict !== 'simulate') return ledger
  const acted = withAction(cooling, request, settings, nowMs)
  return lane === 'simulated' ? withSimulatedSuccess(acted) : acted
}
