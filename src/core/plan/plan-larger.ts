import { sizeOf } from '../mitigation/escalation.ts'
import type { Escalation, RestrictionSize } from '../mitigation/escalation-status.ts'
import type { MitigationSpec } from '../mitigation/mitigation.ts'
import type { Action, Rule } from '../policy/rule.ts'
import { atSource } from '../safety/at-source.ts'
import type { Protected } from '../safety/protected.ts'
import type { Detection } from '../verdict/detection.ts'
import { planAction } from './plan-action.ts'
import type { Plan, PlanContext } from './plan.ts'

/** The next larger way of carrying a restriction that cuts what it claims and opens nothing. */
export interface LargerPlan {
  readonly action: Action
  readonly plan: Plan & { readonly spec: MitigationSpec }
  readonly from: RestrictionSize
  readonly to: RestrictionSize
}

/**
 * null: nothing larger that the rule allows would do, as where no cluster is connected. `guarded`: what protects the target.
 *
 * Where Cilium carries denials, those at the same places are as large as others: it never goes from one to a list of everybody else, which
 * stops no more of the attack and cuts ways of nodes.
 *
 *     escalation | carried now         | tried, in this order
 *     none       | -                   | nothing
 *     both       | limit, by proxies   | a denial at egress, at ingress, at both; only at egress where the target is protected
 *     both       | at egress, ingress  | what comes after it in that row
 *     both       | at both, isolation  | nothing
 *     isolation  | isolation           | nothing
 *     isolation  | anything else       | as with both, then isolation
 */
export function planLarger (rule: Rule, spec: MitigationSpec, detection: Detection, context: Omit<PlanContext, 'beyond'>, guarded: Protected | null): LargerPlan | null {
  const from = sizeOf(spec)
  for (const action of largerActions(rule.escalation, spec, from)) {
    const plan = planAction(rule, atSource(action, guarded), detection, { ...context, beyond: spec.policies ?? [] })
    if (plan.spec?.policies !== undefined) return { action, plan: { ...plan, spec: plan.spec }, from, to: sizeOf(plan.spec) }
  }
  return null
}

function largerActions (escalation: Escalation, { ports }: MitigationSpec, from: RestrictionSize): readonly Action[] {
  if (escalation === 'none' || from === 'isolation') return []
  const denial: Action = { type: 'network_policy', direction: 'both', ports }
  const denials = from === 'egress+ingress' ? [] : [denial]
  return escalation === 'both' ? denials : [...denials, { type: 'pod_isolation' }]
}
