import { needsApproval } from '../safety/approval.ts'
import type { Detection } from '../verdict/detection.ts'
import type { Verdict } from './decision.ts'
import type { ActionType } from './action-type.ts'
import { matchRules } from './match-rules.ts'
import type { Action, Policy, Rule } from './rule.ts'
import { keptFacts, whyOf, type Judging, type RuleVerdict } from './why.ts'

/** What an action of a rule would be asked to do. */
export interface TriedAction { readonly action: ActionType, readonly verdict: Verdict }

/** What one rule that fires would do about a detection. */
export interface TriedRule {
  readonly policy: string
  readonly rule: string
  readonly id: string
  readonly message: string
  readonly actions: readonly TriedAction[]
}

export interface Tried {
  readonly detection: Detection
  readonly rules: readonly TriedRule[]
  /** Rules whose condition asks for what was not kept with the detection. */
  readonly untold: readonly RuleVerdict[]
  /** Where no rule fires, the nearest miss; null where one does. */
  readonly missed: RuleVerdict | null
}

const NEARNESS = ['BelowThreshold', 'ConditionFalse', 'RuleDisabled', 'NoRule'] as const

/** What a policy would make of a detection as it was kept, before safety, which depends on the cluster of that moment. */
export function tryPolicy (policy: Policy, detection: Detection, judging: Judging): Tried {
  const verdicts = whyOf([policy], detection, judging)
  const rules = matchRules(policy, keptFacts(detection, judging)).flatMap(({ fired, rule, message }): TriedRule[] =>
    fired ? [{ policy: policy.name, rule: rule.name, id: rule.id, message, actions: rule.actions.map((action) => ({ action: action.type, verdict: verdictOf(rule, action, detection) })) }] : [])
  const missed = NEARNESS.flatMap((reason) => verdicts.filter((verdict) => verdict.reason === reason))[0] ?? null
  return { detection, rules, untold: verdicts.filter(({ outcome }) => outcome === 'cannot be told'), missed: rules.length > 0 ? null : missed }
}

/**
 *     action     | of a replay | needs approval | verdict
 *     alert_only | -           | -              | alert
 *     any other  | yes         | -              | simulate
 *     any other  | no          | yes            | hold
 *     any other  | no          | no             | mitigate, as far as safety lets it
 */
function verdictOf (rule: Rule, action: Action, { simulated }: Detection): Verdict {
  if (action.type === 'alert_only') return 'alert'
  if (simulated) return 'simulate'
  return needsApproval(rule.approval, action.type) ? 'hold' : 'mitigate'
}
