import type { Rule } from '../policy/rule.ts'
import type { ProtectedSet } from '../safety/protected.ts'
import type { SafetyRequest, SourceEvidence } from '../safety/safety.ts'
import type { Detection } from '../verdict/detection.ts'
import type { Plan } from './plan.ts'

/** What safety is told beside the plan itself. */
export interface RequestGround extends Pick<SafetyRequest, 'rollout' | 'mitigatedBy'> {
  readonly evidence: SourceEvidence
  readonly protectedSet: ProtectedSet
}

/** What safety is asked about a plan; null where the rule has no such action. */
export function safetyRequest (rule: Rule, actionIndex: number, detection: Detection, plan: Plan, { evidence, protectedSet, mitigatedBy, rollout }: RequestGround): SafetyRequest | null {
  const action = rule.actions[actionIndex]
  if (action === undefined) return null
  const { subject, blastRadius } = plan
  const touched = subject === null || subject === 'anySource' ? blastRadius : [subject, ...blastRadius]
  return {
    rule: rule.id,
    source: detection.source?.address ?? '*',
    target: detection.target?.address ?? '*',
    action: action.type,
    actionIndex,
    subject,
    evidence,
    cannotEnforce: plan.reason === 'CannotEnforce' && plan.spec === null ? plan.message : null,
    blastRadius,
    blastRadiusLimit: rule.blastRadiusLimit,
    protectedBy: touched.map((pod) => protectedSet.of(pod)).find((one) => one !== null) ?? null,
    cooldownSeconds: rule.cooldownSeconds,
    mitigatedBy,
    simulatedEvidence: detection.simulated,
    ...(rollout !== undefined && { rollout }),
  }
}
