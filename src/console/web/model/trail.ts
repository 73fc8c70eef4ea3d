import { REASONS } from '../../../core/reason.ts'
import { endOf } from '../../../core/mitigation/lifecycle.ts'
import type { ConditionType, Mitigation } from '../../../core/mitigation/mitigation.ts'
import type { Decision, Verdict } from '../../../core/policy/decision.ts'
import type { Detection } from '../../../core/verdict/detection.ts'
import { restriction, span } from './words.ts'

/** `none`: this detection needs no such station. */
export type StationState = 'done' | 'waiting' | 'broken' | 'simulated' | 'none'

export interface Station {
  readonly name: string
  readonly state: StationState
  /** Unix ms; null where nothing has happened yet or the object does not say when. */
  readonly atMs: number | null
  /** What happened, or why it did not. */
  readonly note: string
}

const VERDICT_RANK: Readonly<Record<Verdict, number>> = { mitigate: 0, simulate: 1, hold: 2, alert: 3, suppress: 4 }

/** The decision that tells most of the story: the one that acted, else the one that was held. */
export const leadingDecision = (decisions: readonly Decision[]): Decision | undefined =>
  decisions.toSorted((a, b) => VERDICT_RANK[a.verdict] - VERDICT_RANK[b.verdict])[0]

const time = (text: string | undefined): number | null => text === undefined ? null : Date.parse(text)
const station = (name: string, state: StationState, atMs: number | null, note: string): Station => ({ name, state, atMs, note })

const UNFIRED: readonly Decision['reason'][] = ['NoRule', 'BelowThreshold', 'ConditionFalse', 'RuleDisabled']

function ruleStation (decision: Decision | undefined): Station {
  if (decision === undefined) return station('Rule', 'waiting', null, 'no decision yet')
  const fired = !UNFIRED.includes(decision.reason)
  return station('Rule', fired ? 'done' : 'none', time(decision.at), fired ? decision.rule : REASONS[decision.reason])
}

/** Checks that these reasons fail do not hold an action back: they make it simulated. */
const SIMULATING: readonly Decision['reason'][] = ['SimulatedEvidence', 'ActuationDisabled', 'ActionNeedsCluster', 'ActionNotAllowed', 'NotConfigured']

/** What a check came to: passed, held back, or only made simulated. */
export function checkState ({ passed, reason }: Decision['safety'][number]): 'done' | 'broken' | 'simulated' {
  return passed ? 'done' : SIMULATING.includes(reason) ? 'simulated' : 'broken'
}

function safetyStation (decision: Decision | undefined): Station {
  if (decision === undefined) return station('Safety', 'waiting', null, '')
  const failed = decision.safety.find((check) => checkState(check) === 'broken')
  if (failed !== undefined) return station('Safety', 'broken', time(decision.at), failed.message)
  if (decision.verdict === 'hold') return station('Safety', 'broken', time(decision.at), decision.message)
  if (decision.safety.length === 0) return station('Safety', 'none', null, 'nothing to vet')
  const passed = decision.safety.filter((check) => check.passed).length
  return station('Safety', 'done', time(decision.at), `${passed} checks passed${passed < decision.safety.length ? ', to be simulated' : ''}`)
}

function mitigationStation (mitigation: Mitigation | undefined, decision: Decision | undefined): Station {
  if (mitigation !== undefined) {
    return station('Mitigation', mitigation.status.simulated ? 'simulated' : 'done', time(mitigation.metadata.creationTimestamp), restriction(mitigation))
  }
  if (decision === undefined) return station('Mitigation', 'waiting', null, '')
  switch (decision.verdict) {
    case 'hold': return station('Mitigation', 'none', null, 'held, nothing was done')
    case 'alert': return station('Mitigation', 'none', null, 'alert only')
    case 'suppress': return station('Mitigation', 'none', null, REASONS[decision.reason])
    case 'simulate': return station('Mitigation', 'simulated', null, 'planned only')
    case 'mitigate': return station('Mitigation', 'waiting', null, 'being stored')
  }
}

const condition = (mitigation: Mitigation, type: ConditionType) => mitigation.status.conditions.find((each) => each.type === type)

function ackStation (mitigation: Mitigation | undefined): Station {
  if (mitigation === undefined) return station('ACKs', 'none', null, '')
  const { status: { targets, simulated } } = mitigation
  const taken = targets.filter(({ state }) => state === 'programmed').length
  const refused = targets.find(({ state }) => state === 'rejected')
  const programmed = condition(mitigation, 'Programmed')
  const degraded = condition(mitigation, 'Degraded')
  if (refused !== undefined) return station('ACKs', 'broken', time(programmed?.lastTransitionTime), `${refused.target} refused: ${refused.message}`)
  // What still gets through is a matter of the proof.
  if (degraded?.status === 'True' && degraded.reason !== 'AttemptsContinue') return station('ACKs', 'broken', time(degraded.lastTransitionTime), degraded.message)
  if (simulated) return station('ACKs', 'simulated', null, targets.length === 0 ? 'nothing was sent' : `${targets.length} would be asked`)
  if (programmed?.status === 'False' && programmed.reason === 'NoTargets') return station('ACKs', 'broken', time(programmed.lastTransitionTime), programmed.message)
  return station('ACKs', programmed?.status === 'True' ? 'done' : 'waiting', time(programmed?.lastTransitionTime), `${taken} of ${targets.length} taken`)
}

function proofStation (mitigation: Mitigation | undefined): Station {
  if (mitigation === undefined) return station('Proof', 'none', null, '')
  if (mitigation.status.simulated) return station('Proof', 'simulated', null, 'nothing is enforced')
  const enforcing = condition(mitigation, 'Enforcing')
  switch (enforcing?.status) {
    case 'True': return station('Proof', 'done', time(enforcing.lastTransitionTime), enforcing.message)
    case 'False': return station('Proof', 'broken', time(enforcing.lastTransitionTime), enforcing.message)
    case 'Unknown': case undefined: return station('Proof', 'waiting', null, enforcing?.message ?? 'no attempt seen since')
  }
}

function undoStation (mitigation: Mitigation | undefined): Station {
  if (mitigation === undefined) return station('Undo', 'none', null, '')
  const { status, spec } = mitigation
  switch (status.phase) {
    case 'active': return station('Undo', 'waiting', time(spec.expiresAt), 'ends by itself')
    case 'expired': return station('Undo', 'done', time(status.endedAt ?? spec.expiresAt), endOf(mitigation) === 'SubjectGone' ? 'its pod is gone' : 'time to live passed')
    case 'reverted': return station('Undo', 'done', time(status.endedAt), 'a person undid it')
  }
}

/** The stations of a detection from its first packet to its undo, in order. */
export function trailOf (detection: Detection, decisions: readonly Decision[], mitigations: readonly Mitigation[]): readonly Station[] {
  const decision = leadingDecision(decisions)
  const mitigation = mitigations.find(({ metadata }) => metadata.name === decision?.mitigation) ?? mitigations[0]
  const { explanation: { stepMs, windowNumber }, firstSeen, delaySeconds, count, confidence } = detection
  const firstMs = Date.parse(firstSeen)
  const windowMs = (windowNumber + 1) * stepMs
  const opened = delaySeconds === null ? null : firstMs + delaySeconds * 1000
  return [
    station('First packet', 'done', firstMs, ''),
    // The evidence that is kept is of the surest window, which may be later than the one that opened the detection.
    station('Window', 'done', opened === null || windowMs <= opened ? windowMs : null, `${count} of ${span(stepMs)}`),
    station('Score', opened === null ? 'waiting' : 'done', opened, confidence.toFixed(3)),
    ruleStation(decision),
    safetyStation(decision),
    mitigationStation(mitigation, decision),
    ackStation(mitigation),
    proofStation(mitigation),
    undoStation(mitigation),
  ]
}
