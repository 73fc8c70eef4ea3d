import type { Decision } from '../core/policy/decision.ts'
import type { Detection } from '../core/verdict/detection.ts'
import type { NewAuditEntry } from './journal.ts'

/** What the trail says of a decision: with its evidence. */
export function auditOf (decision: Decision, detection: Detection): NewAuditEntry {
  const { id, rule, ruleHash, policy, action, verdict, reason, message, mitigation } = decision
  const { class: className, confidence, source, target, model, simulated } = detection
  return {
    actor: 'autoshield',
    action: `decision.${verdict}`,
    object: `detection/${detection.id}`,
    reason,
    detail: { decision: id, policy, rule, ruleHash, action, mitigation, message, evidence: { class: className, confidence, source, target, model, simulated } },
  }
}
