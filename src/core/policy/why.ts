import { Type, type Static } from 'typebox'
import { REASON_CODES } from '../reason.ts'
import type { Detection } from '../verdict/detection.ts'
import { FEATURES, STEPS_MS, TENSOR_WINDOWS } from '../window/window.ts'
import { matchRules, type Facts } from './match-rules.ts'
import type { Policy } from './rule.ts'
import type { TimeZone } from './time-zone.ts'

/** What one rule makes of one detection. */
export const RuleVerdict = Type.Object({
  policy: Type.String({ description: 'The policy file, or threatpolicy/NAME.' }),
  rule: Type.String({ description: 'Name of the rule.' }),
  id: Type.String(),
  outcome: Type.Enum(['fires', 'does not fire', 'cannot be told'], { description: 'The last where its condition asks for what is not known of the detection.' }),
  reason: Type.Enum(REASON_CODES),
  message: Type.String({ description: 'The comparison that decided.' }),
}, { $id: 'RuleVerdict', additionalProperties: false })
export type RuleVerdict = Static<typeof RuleVerdict>

/** What a detection is judged by beside its policies. */
export interface Judging {
  readonly zone: TimeZone
  readonly modelClasses: readonly string[]
}

/**
 * The facts of a detection as it was kept. Of its features there is the one tensor that its explanation shows, so a rule
 * that looks over another span may know them in part or not at all; `time.*` is at the end of that tensor.
 */
export function keptFacts (detection: Detection, { zone, modelClasses }: Judging): Facts {
  const { stepMs, windowNumber, tensor } = detection.explanation
  const step = STEPS_MS.find((known) => known === stepMs)
  const values = Float32Array.from(tensor.flat())
  const isWhole = step !== undefined && values.length === TENSOR_WINDOWS * FEATURES.length
  return {
    detection,
    source: detection.source,
    target: detection.target,
    tensors: isWhole ? [{ stepMs: step, windowNumber, tensor: values }] : [],
    atMs: isWhole ? (windowNumber + 1) * stepMs : Date.parse(detection.lastSeen),
    zone,
    modelClasses,
  }
}

/** Every rule of every policy in order, with the comparison that decided. */
export function whyOf (policies: readonly Policy[], detection: Detection, judging: Judging): readonly RuleVerdict[] {
  const facts = keptFacts(detection, judging)
  return policies.flatMap((policy) => matchRules(policy, facts).map(({ fired, rule, reason, message, condition }): RuleVerdict => ({
    policy: policy.name, rule: rule.name, id: rule.id, outcome: fired ? 'fires' : condition === 'unknown' ? 'cannot be told' : 'does not fire', reason, message,
  })))
}
