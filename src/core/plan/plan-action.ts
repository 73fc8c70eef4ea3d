import type { Action, Rule } from '../policy/rule.ts'
import type { Detection } from '../verdict/detection.ts'
import type { Plan, PlanContext } from './plan.ts'

/** Plans one action of a fired rule. Decides nothing: safety judges the plan, the controller carries it out. */
export declare function planAction (rule: Rule, action: Action, detection: Detection, context: PlanContext): Plan
