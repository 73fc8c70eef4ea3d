import type { Detection, Explanation } from '../core/verdict/detection.ts'
import type { NewAuditEntry } from './journal.ts'

/** Why, as the trail keeps it: the sentence, and the named evidence with its nats. */
export const reasonsOf = ({ sentence, named = [] }: Explanation): { readonly why: string, readonly named: readonly { readonly kind: string, readonly nats: number }[] } => ({
  why: sentence,
  named: named.map(({ kind, nats }) => ({ kind, nats })),
})

/**
 * What the trail says of a detection that closes: why it was open, by its strongest moment and the evidence of its whole life, where
 * decisions hold what was known when they were made. Nothing of one that was only suspected.
 */
export function closingOf (detection: Detection): readonly NewAuditEntry[] {
  const { id, class: className, confidence, count, firstSeen, lastSeen, source, target, model, simulated, delaySeconds, explanation } = detection
  if (delaySeconds === null) return []
  return [{
    actor: 'autoshield',
    action: 'detection.closed',
    object: `detection/${id}`,
    reason: 'DetectionClosed',
    detail: { class: className, confidence, count, firstSeen, lastSeen, source, target, model, simulated, ...reasonsOf(explanation) },
  }]
}
