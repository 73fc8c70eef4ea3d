import type { Errand } from '../core/errand/errand.ts'
import type { NodeFacts } from '../core/kubernetes/node-facts.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { Surroundings } from '../core/plan/safety-request.ts'
import type { ClusterKnowledge } from '../core/plan/plan.ts'
import type { Carried } from '../core/plan/render-policies.ts'
import type { ServiceAt } from '../core/plan/service-pods.ts'
import type { Pod } from '../core/pod.ts'
import type { Decision } from '../core/policy/decision.ts'
import type { Action, Policy, Rule } from '../core/policy/rule.ts'
import type { TimeZone } from '../core/policy/time-zone.ts'
import type { Application } from '../core/rollout/apply.ts'
import type { SourceEvidence } from '../core/safety/safety.ts'
import type { SafetySettings } from '../core/safety/settings.ts'
import type { Detection } from '../core/verdict/detection.ts'
import type { Score } from '../core/verdict/score.ts'

/** One detection to be decided on. */
export interface Hearing {
  readonly detection: Detection
  /** What proves who its source is. */
  readonly evidence: SourceEvidence
  /** The newest scores of its key, at most one a step; the first is the one that brought it here. */
  readonly scores: readonly [Score, ...Score[]]
  /** Of a detection about all that a source reaches: those of its class and source on single pairs that its windows hold. */
  readonly pairs: readonly Detection[]
}

/** That something is let be, and why. */
export interface Coverage {
  /** Name of the exception. */
  readonly exception: string
  readonly words: string
}

/** What a decision rests on beside the detection. */
export interface Bench {
  readonly policy: Policy
  /** Name of the policy that a rule is of. */
  readonly policyOf: (rule: Rule) => string
  readonly hashOf: (rule: Rule) => string
  /** What the mesh policies make of the detection, as far as their rollouts have come. */
  readonly applications: readonly Application[]
  readonly zone: TimeZone
  readonly modelClasses: readonly string[]
  readonly pods: readonly Pod[]
  /** Absent where there are none. */
  readonly serviceAt: ServiceAt | undefined
  /** What is known of the cluster's policies; null where none is connected. */
  readonly cluster: () => ClusterKnowledge | null
  /** Mitigations that NetworkPolicies carry now. */
  readonly inForce: readonly Carried[]
  /** The cluster's nodes; null where none is connected. */
  readonly nodes: readonly NodeFacts[] | null
  readonly safety: SafetySettings
  readonly surroundings: Surroundings
  readonly nowMs: number
  readonly newId: () => string
  /** Name of the mitigation in force for this rule, action, source and target, in this mode. */
  readonly mitigatedBy: (rule: Rule, actionIndex: number, detection: Detection, mode: Mitigation['spec']['mode']) => string | null
  /** The exception that covers an action of a rule for the detection; null where none does. */
  readonly exceptedBy: (rule: Rule, action: Action, detection: Detection) => Coverage | null
  /** Whether this action of this rule has its answer for the detection, so that it is not asked again. */
  readonly isSettled: (rule: Rule, actionIndex: number, detection: Detection, sinceMs: number) => boolean
}

/** A decision, and the mitigation that follows from it. `action` is the place of the action in its rule; -1 where no rule fired. */
export interface Ruling {
  readonly decision: Decision
  readonly mitigation: Mitigation | null
  readonly errand: Errand | null
  readonly rule: Rule | null
  readonly actionIndex: number
}
