import type { Mitigation, MitigationSpec } from '../mitigation/mitigation.ts'
import type { Pod } from '../pod.ts'
import type { ReasonCode } from '../reason.ts'
import type { SourceEvidence } from '../safety/safety.ts'

/** What a plan needs to know beside rule, action and detection. */
export interface PlanContext {
  readonly policy: string
  /** sha256 of `canonicalRule(rule)`. */
  readonly ruleHash: string
  /** Name that the mitigation will have; objects are named after it and point to it. */
  readonly mitigation: string
  readonly pods: readonly Pod[]
  readonly evidence: SourceEvidence
  readonly nowMs: number
  /** `shadow` where evidence is simulated, actuation is disabled or `--simulate` is set. */
  readonly mode: 'shadow' | 'enforce'
}

export interface Plan {
  /** null where nothing is to be restricted by proxies and policies, or nothing may be; `reason` says why. */
  readonly spec: MitigationSpec | null
  /** Every object that the action would apply, as YAML documents, complete. */
  readonly objects: readonly { readonly kind: string, readonly yaml: string }[]
  /** `networkpolicy/NAMESPACE/NAME` for each policy object. */
  readonly targets: readonly Mitigation['status']['targets'][number]['target'][]
  /** The pods that it touches. */
  readonly blastRadius: readonly Pod[]
  /** The pod that would be restricted, for safety. */
  readonly subject: Pod | 'anySource' | null
  /** RuleMatched: planned and can be done here; ActionNeedsCluster, AlertOnly, CannotEnforce, UnknownTarget, ForgedSource otherwise. */
  readonly reason: ReasonCode
  /** What it would do, and what it cannot, in a sentence or two. */
  readonly message: string
  readonly undo: string
}
