import type { Pod } from '../pod.ts'
import type { Rule } from '../policy/rule.ts'
import type { ActionType } from '../policy/action-type.ts'
import { needsApproval } from '../safety/approval.ts'
import { openWindow, type MaintenanceBook } from '../safety/maintenance.ts'
import type { ProtectedSet } from '../safety/protected.ts'
import type { SafetyRequest, SourceEvidence } from '../safety/safety.ts'
import { trafficShare, type SeenFlow } from '../safety/traffic-share.ts'
import { workloadShares } from '../safety/workload-share.ts'
import type { Detection } from '../verdict/detection.ts'
import type { Plan } from './plan.ts'

/** The world at one moment, as far as safety asks for it. */
export interface Surroundings {
  readonly protectedSet: ProtectedSet
  /** Ready pods by workload (`readyByWorkload`). */
  readonly ready: ReadonlyMap<string, readonly Pod[]>
  /** UIDs of the pods that are restricted now. */
  readonly restricted: ReadonlySet<string>
  /** Those with an end in a namespace, and maybe others. */
  readonly flows: (namespace: string) => readonly SeenFlow[]
  readonly byAddress: (address: string) => Pod | null
  readonly maintenance: MaintenanceBook
}

/** What safety is told beside the plan itself. */
export interface RequestGround extends Surroundings, Pick<SafetyRequest, 'rollout' | 'step' | 'mitigatedBy' | 'answeredByPairs'> {
  readonly evidence: SourceEvidence
  /** Who agreed and why; null where nobody was asked. */
  readonly agreed: { readonly by: string, readonly why: string } | null
  readonly nowMs: number
}

/** What safety is asked about a plan; null where the rule has no such action. */
export function safetyRequest (rule: Rule, actionIndex: number, detection: Detection, plan: Plan, ground: RequestGround): SafetyRequest | null {
  const action = rule.actions[actionIndex]
  return action === undefined ? null : requestOf(rule, action.type, actionIndex, detection, plan, ground)
}

/** The same for an action that is not as its rule writes it. */
export function requestOf (rule: Rule, type: ActionType, actionIndex: number, detection: Detection, plan: Plan, ground: RequestGround): SafetyRequest {
  const { subject, blastRadius } = plan
  const { evidence, protectedSet, answeredByPairs, mitigatedBy, rollout, step, agreed } = ground
  const touched = subject === null || subject === 'anySource' ? blastRadius : [subject, ...blastRadius]
  return {
    rule: rule.id,
    source: detection.source?.address ?? '*',
    target: detection.target?.address ?? '*',
    action: type,
    actionIndex,
    subject,
    evidence,
    cannotEnforce: plan.spec === null && (plan.reason === 'CannotEnforce' || plan.reason === 'AddsUp' || plan.reason === 'OpensTraffic') ? { reason: plan.reason, message: plan.message } : null,
    nodeNeeded: plan.reason === 'NodeNeeded' ? plan.message : null,
    blastRadius,
    blastRadiusLimit: rule.blastRadiusLimit,
    protectedBy: touched.map((pod) => protectedSet.of(pod)).find((one) => one !== null) ?? null,
    workloads: workloadShares(restrictedOf(type, plan), ground.ready, ground.restricted),
    traffic: trafficShare(type, subject, detection, ground.flows, ground.byAddress),
    window: openWindow(ground.maintenance, [...new Set(touched.map(({ namespace }) => namespace))], ground.nowMs),
    approval: agreed ?? (needsApproval(rule.approval, type) ? 'needed' : 'unneeded'),
    cooldownSeconds: rule.cooldownSeconds,
    unfamiliar: detection.unfamiliar?.namespace ?? null,
    answeredByPairs,
    mitigatedBy,
    simulatedEvidence: detection.simulated,
    ...(rollout !== undefined && { rollout }),
    ...(step !== undefined && { step }),
  }
}

/** Whom the action restricts: its subject, not the victims whose traffic with it changes; for a node all its pods. */
function restrictedOf (action: SafetyRequest['action'], { subject, blastRadius }: Plan): readonly Pod[] {
  return subject === null || subject === 'anySource' || action === 'node_quarantine' ? blastRadius : [subject]
}
