import type { Task } from '../errand/errand.ts'
import type { NodeFacts } from '../kubernetes/node-facts.ts'
import type { MitigationSpec, PolicyPlace } from '../mitigation/mitigation.ts'
import type { Pod } from '../pod.ts'
import type { ReasonCode } from '../reason.ts'
import type { SourceEvidence } from '../safety/safety.ts'
import type { Ground, ObservedFlow } from './check-plan.ts'
import type { PlannedObject } from './objects.ts'
import type { Carried, SelectorsOf } from './render-policies.ts'
import type { ServiceAt } from './service-pods.ts'

/** Who reaches whom now, and which conversations of these pods (by UID) were seen; or why nobody knows. */
export type ClusterKnowledge =
  | {
    readonly known: true
    readonly ground: Ground
    readonly seen: (pods: readonly string[]) => readonly ObservedFlow[]
    /** What finds pods in a namespace; absent where no pod can be taken out of that. */
    readonly selectors?: SelectorsOf
    /** Policies of others that hold beside and are not judged, with their kind; absent for none. */
    readonly unjudged?: readonly string[]
  }
  | { readonly known: false, readonly why: string }

/** What a plan needs to know beside rule, action and detection. */
export interface PlanContext {
  readonly policy: string
  /** sha256 of `canonicalRule(rule)`. */
  readonly ruleHash: string
  /** Name that the mitigation will have; objects are named after it and point to it. */
  readonly mitigation: string
  readonly pods: readonly Pod[]
  /** Absent where there are none. */
  readonly serviceAt?: ServiceAt | undefined
  /** The cluster's nodes; absent where none is connected. */
  readonly nodes?: readonly NodeFacts[]
  readonly evidence: SourceEvidence
  readonly nowMs: number
  /** Namespaces whose pods are never kept from anybody: control plane, name service and ourselves. */
  readonly spared: readonly string[]
  /** Mitigations that NetworkPolicies carry now. */
  readonly inForce: readonly Carried[]
  /** What is known of the cluster's policies; absent where no cluster is connected: then policies are planned and not chosen. */
  readonly cluster?: ClusterKnowledge
  /** `shadow` where evidence is simulated, actuation is disabled or `--simulate` is set. */
  readonly mode: 'shadow' | 'enforce'
  /** Where a larger way than this one is asked for: places of NetworkPolicies, none for proxies alone. */
  readonly beyond?: readonly PolicyPlace[]
}

export interface Plan {
  /** null where nothing is to be restricted by proxies and policies, or nothing may be; `reason` says why. */
  readonly spec: MitigationSpec | null
  /** What is to be done once, where it is carried out so. */
  readonly errand?: Task
  /** In the order in which they would be applied. */
  readonly objects: readonly PlannedObject[]
  /** `networkpolicy/NAMESPACE/NAME` or `ciliumnetworkpolicy/NAMESPACE/NAME` for each policy object, `pod/NAMESPACE/NAME` for a pod that labels are taken from. */
  readonly targets: readonly string[]
  /** The pods whose traffic it changes. */
  readonly blastRadius: readonly Pod[]
  /** Who would be restricted; null where it is no known pod, or nobody. */
  readonly subject: Pod | 'anySource' | null
  /**
   * RuleMatched: it can be done here. CannotEnforce: with a spec, it is done as far as it goes; without, it is not done.
   * AddsUp, OpensTraffic: nothing can carry it here, and that is what is the matter with its policies.
   * UnknownTarget, ForgedSource: nobody may be restricted. NodeNeeded: the cluster needs the node too much. AlertOnly: a message.
   */
  readonly reason: Extract<ReasonCode, 'RuleMatched' | 'CannotEnforce' | 'AddsUp' | 'OpensTraffic' | 'UnknownTarget' | 'ForgedSource' | 'NodeNeeded' | 'AlertOnly'>
  /** What it would do, and what it cannot, in a sentence or two. */
  readonly message: string
  readonly undo: string
}
