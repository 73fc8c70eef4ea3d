import { sizeOf, type Growth } from '../core/mitigation/escalation.ts'
import type { EscalationStatus } from '../core/mitigation/escalation-status.ts'
import { conditionOf } from '../core/mitigation/conditions.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { Plan } from '../core/plan/plan.ts'
import { planLarger } from '../core/plan/plan-larger.ts'
import { requestOf, type RequestGround } from '../core/plan/safety-request.ts'
import type { Decision } from '../core/policy/decision.ts'
import { checkSafety } from '../core/safety/check-safety.ts'
import type { SourceEvidence } from '../core/safety/safety.ts'
import type { SafetyState } from '../core/safety/state.ts'
import type { Detection } from '../core/verdict/detection.ts'
import { approvalOf, sentence } from './decide.ts'
import type { Bench } from './ruling.ts'
import { ANNOTATIONS } from './mitigation-case.ts'
import { contextOf, protectionOf } from './plan-context.ts'

/** The decision on a larger form of a mitigation, and that form where safety lets it. */
export interface GrowthRuling {
  readonly mitigation: string
  readonly decision: Decision
  /** null: the mitigation stays as it is, and `status` says why. */
  readonly growth: Growth | null
  readonly status: EscalationStatus
}

/**
 * What becomes of a mitigation that attempts get through. null where its rule is not in force any more, or does not escalate. `plan`:
 * null where there is no larger one. Pure, as `decide`.
 *
 *     larger option that its rule allows | safety  | mitigation | decision
 *     none                               | -       | stays      | alert, NothingLarger
 *     one                                | lets it | grows      | mitigate
 *     one                                | holds   | stays      | hold, for a person; asked again when one agrees
 *     one                                | else    | stays      | as safety says
 */
export function grow (mitigation: Mitigation, detection: Detection, evidence: SourceEvidence, before: SafetyState, bench: Bench, agreed: RequestGround['agreed'] = null): { ruling: GrowthRuling, plan: Plan | null, state: SafetyState } | null {
  const { metadata: { name, annotations }, spec, status: { escalation } } = mitigation
  const rule = bench.policy.rules.find((one) => one.enabled && bench.hashOf(one) === spec.owner.hash)
  if (rule === undefined || rule.escalation === 'none') return null
  const mode = detection.simulated || !bench.safety.actuationEnabled ? 'shadow' : 'enforce'
  const larger = planLarger(rule, spec, detection, contextOf(rule, name, evidence, mode, bench), protectionOf(detection, bench))
  const actionIndex = Number(annotations[ANNOTATIONS.action])
  const pierced = conditionOf(mitigation, 'Enforcing')?.message ?? ''
  const at = new Date(bench.nowMs).toISOString()
  const base = { id: bench.newId(), at, detection: detection.id, policy: bench.policyOf(rule), rule: rule.name, ruleHash: spec.owner.hash, actionIndex, escalates: name } as const
  const from = sizeOf(spec)
  const steps = escalation?.steps ?? 0
  if (larger === null) {
    const message = `${pierced} Nothing larger that rule ${JSON.stringify(rule.name)} allows would stop it.`
    return {
      ruling: {
        mitigation: name,
        decision: { ...base, action: null, verdict: 'alert', reason: 'NothingLarger', message, safety: [], mitigation: null, plan: [] },
        growth: null,
        status: { from, to: from, outcome: 'held-back', reason: 'NothingLarger', message, at, steps },
      },
      plan: null,
      state: before,
    }
  }
  const { action, plan, to } = larger
  const safety = checkSafety(before, requestOf(rule, action.type, actionIndex, detection, plan, { ...bench.surroundings, evidence, answeredByPairs: null, mitigatedBy: null, agreed, nowMs: bench.nowMs, step: to }), bench.safety, bench.nowMs)
  const isTaken = safety.verdict === 'mitigate' && plan.spec.mode === 'enforce'
  const message = [...new Set([pierced, agreed === null ? '' : `${agreed.by} agreed: ${agreed.why}`, `From ${from} to ${to}`, safety.message, plan.message].map(sentence))].filter((words) => words !== '').join(' ')
  const status: EscalationStatus = { from, to, outcome: isTaken ? 'taken' : 'held-back', reason: isTaken ? 'Escalated' : safety.reason, message, at, steps: isTaken ? steps + 1 : steps }
  const decision: Decision = {
    ...base,
    action: action.type,
    verdict: safety.verdict,
    reason: isTaken ? 'Escalated' : safety.reason,
    message,
    safety: safety.checks.map((check) => ({ ...check })),
    mitigation: isTaken ? name : null,
    ...(safety.verdict === 'hold' && mode === 'enforce' && { approval: approvalOf(rule, evidence, bench.nowMs) }),
    plan: plan.objects.map((object) => ({ ...object })),
  }
  const growth: Growth | null = isTaken ? { mitigation: name, spec: plan.spec, targets: plan.targets, undo: plan.undo, status } : null
  return { ruling: { mitigation: name, decision, growth, status }, plan, state: safety.state }
}
