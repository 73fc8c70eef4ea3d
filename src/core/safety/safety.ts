import type { Verdict } from '../policy/decision.ts'
import type { RestrictionSize } from '../mitigation/escalation-status.ts'
import type { ActionType } from '../policy/action-type.ts'
import type { Pod } from '../pod.ts'
import type { ReasonCode } from '../reason.ts'
import type { OpenWindow } from './maintenance.ts'
import type { Protected } from './protected.ts'
import type { SafetyState } from './state.ts'
import type { TrafficShare } from './traffic-share.ts'
import type { WorkloadShare } from './workload-share.ts'

/** What is known of the address that would be restricted. */
export interface SourceEvidence {
  readonly completedHandshake: boolean
  /** The observer of the pod that has the address saw the traffic, too. */
  readonly confirmedByOwnObserver: boolean
  /** That observer was asked, sees every packet, and saw its pod begin none, or far fewer, of the flows. */
  readonly deniedByOwnObserver?: true
  /** A node's, a NAT's, a gateway's address. */
  readonly standsForMany: boolean
}

/** One action of a fired rule that asks to be let through. `safetyRequest` makes it from a plan. */
export interface SafetyRequest {
  /** Id of the rule. */
  readonly rule: string
  /** Addresses; `*` where the detection has no one source or target. */
  readonly source: string
  readonly target: string
  readonly action: ActionType
  /** Place of the action in its rule. Cooldowns are kept for each, so that a rule's second action is not held back by its first. */
  readonly actionIndex: number
  /** Where it takes the place of a smaller restriction that does not hold: how large it is. It cools down by itself. */
  readonly step?: RestrictionSize
  /** The pod that would be restricted; `anySource` restricts at the victim; null: no known pod has the address. */
  readonly subject: Pod | 'anySource' | null
  readonly evidence: SourceEvidence
  /** What its plan came to where nothing here could carry the restriction; null where something can. */
  readonly cannotEnforce: { readonly reason: Extract<ReasonCode, 'CannotEnforce' | 'AddsUp' | 'OpensTraffic'>, readonly message: string } | null
  /** Why the cluster needs the node that would be quarantined; null where it does not, or none would be. */
  readonly nodeNeeded: string | null
  /** Every pod whose traffic the plan changes. */
  readonly blastRadius: readonly Pod[]
  readonly blastRadiusLimit: number
  /** Of the pods that it restricts or whose traffic it changes, what protects one; null where none is protected. */
  readonly protectedBy: Protected | null
  /** Of each workload of which it would restrict a pod. */
  readonly workloads: readonly WorkloadShare[]
  /** null where it cuts nothing but the attack, or where nothing is known of traffic. */
  readonly traffic: TrafficShare | null
  /** The maintenance window that is open for it. */
  readonly window: OpenWindow | null
  /** Whether a person must agree, or who did and why. */
  readonly approval: 'unneeded' | 'needed' | { readonly by: string, readonly why: string }
  readonly cooldownSeconds: number
  /** Namespace of the observer, where its traffic is unlike what the model was trained on; null where it is not, or nobody can tell. */
  readonly unfamiliar: string | null
  /** Why detections on single pairs answer what this one tells of all that its source reaches; null where none do. */
  readonly answeredByPairs: string | null
  /** Name of the mitigation in force for this rule, action, source and target. */
  readonly mitigatedBy: string | null
  /** The evidence is a replay. */
  readonly simulatedEvidence: boolean
  /** How far the rollout of the mesh policy is in front of the victims; absent for a rule of the policy file. */
  readonly rollout?: 'observe' | 'rehearse' | 'enforce'
}

export interface SafetyCheck {
  readonly check: string
  readonly passed: boolean
  readonly reason: ReasonCode
  readonly message: string
}

export interface SafetyResult {
  readonly verdict: Verdict
  /** Of the first check that decided; RuleMatched where none held the action back, AlertOnly for an alert. */
  readonly reason: ReasonCode
  readonly message: string
  /** Every check, in order, also those after the one that decided. */
  readonly checks: readonly SafetyCheck[]
  /** To be kept and given to the next call. The argument is not changed, and is this very object where nothing was used up. */
  readonly state: SafetyState
}
