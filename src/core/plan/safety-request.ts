import type { Rule } from '../policy/rule.ts'
import type { SafetyRequest, SourceEvidence } from '../safety/safety.ts'
import type { Detection } from '../verdict/detection.ts'
import type { Plan } from './plan.ts'

/** What safety is asked about a plan. `mitigatedBy`: the mitigation in force for this rule, action, source and target. */
export function safetyRequest (rule: Rule, actionIndex: number, detection: Detection, plan: Plan, evidence: SourceEvidence, mitigatedBy: string | null, rollout?: SafetyRequest['rollout']): SafetyRequest | null {
  const action = rule.actions[actionIndex]
  if (action === undefined) return null
  return {
    rule: rule.id,
    source: detection.source?.address ?? '*',
    target: detection.target?.address ?? '*',
    action: action.type,
    actionIndex,
    subject: plan.subject,
    evidence,
    cannotEnforce: plan.reason === 'CannotEnforce' && plan.spec === null ? plan.message : null,
    blastRadius: plan.blastRadius,
    blastRadiusLimit: rule.blastRadiusLimit,
    cooldownSeconds: rule.cooldownSeconds,
    mitigatedBy,
    simulatedEvidence: detection.simulated,
    ...(rollout !== undefined && { rollout }),
  }
}
