import type { Decision } from '../core/policy/decision.ts'
import type { Detection } from '../core/verdict/detection.ts'
import type { AuditTrail } from '../ports/audit.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { reasonsOf } from './detection-entry.ts'
import type { NewAuditEntry } from './journal.ts'

/** Entries of one detection that are looked through. */
const MAX_TOLD = 1_000

/** What the trail says of a decision: with its evidence. */
export function auditOf (decision: Decision, detection: Detection): NewAuditEntry {
  const { id, rule, ruleHash, policy, action, verdict, reason, message, mitigation } = decision
  const { class: className, confidence, source, target, model, simulated, explanation } = detection
  return {
    actor: 'autoshield',
    action: `decision.${verdict}`,
    object: `detection/${detection.id}`,
    reason,
    detail: { decision: id, policy, rule, ruleHash, action, mitigation, message, evidence: { class: className, confidence, source, target, model, simulated, ...reasonsOf(explanation) } },
  }
}

/** What the trail would say of those decisions that it does not know of. */
export function untoldOf (decisions: readonly Decision[], store: Pick<ObjectStore, 'detections'>, audit: Pick<AuditTrail, 'search'>): NewAuditEntry[] {
  return decisions.flatMap((decision) => {
    const detection = store.detections.get(decision.detection)
    if (detection === null) return []
    const entry = auditOf(decision, detection)
    return audit.search({ object: entry.object, limit: MAX_TOLD }).some(({ detail }) => detail['decision'] === decision.id) ? [] : [entry]
  })
}
