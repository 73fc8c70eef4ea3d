import type { Action, Rule } from '../policy/rule.ts'
import type { Detection } from '../verdict/detection.ts'
import { mitigationObject } from './objects.ts'
import { planAction } from './plan-action.ts'
import type { Plan, PlanContext } from './plan.ts'

/** The plan of a mesh policy's restriction: proxies alone carry it, so it plans no policy objects. */
export function planTemplate (rule: Rule, action: Action, detection: Detection, context: PlanContext): Plan {
  const plan = planAction(rule, action, detection, context)
  return { ...plan, objects: plan.spec === null ? [] : [mitigationObject(plan.spec, context.mitigation)], targets: [] }
}
