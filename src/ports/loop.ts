import type { Drift } from '../core/drift/drift.ts'
import type { LeadershipStanding } from '../core/leadership/standing.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import type { Comparison } from '../core/model/comparison.ts'
import type { ModelStanding } from '../core/model/standing.ts'
import type { PlanEffect } from '../core/plan/effect.ts'
import type { Outlook } from '../core/plan/outlook.ts'
import type { Decision } from '../core/policy/decision.ts'
import type { MeshPolicy } from '../core/rollout/mesh-policy.ts'
import type { Halt } from '../core/safety/state.ts'
import type { SafetyStanding } from '../core/safety/standing.ts'
import type { Detection } from '../core/verdict/detection.ts'
import type { AuditTrail } from './audit.ts'
import type { Baselines } from './baselines.ts'
import type { PodDirectory, Protections } from './directories.ts'
import type { Errands, Evidence } from './errands.ts'
import type { ExceptionBook } from './exceptions.ts'
import type { Feedback } from './feedback.ts'
import type { FlowLog } from './flows.ts'
import type { KillSwitch } from './kill-switch.ts'
import type { Rollouts } from './mesh-policies.ts'
import type { ObjectStore } from './object-store.ts'
import type { ProxyFleet, ProxyStatus } from './proxies.ts'
import type { DetectorStats, TrafficEdge } from './scores.ts'
import type { Rulebook, ThreatPolicies } from './threat-policies.ts'

/** Lists whose changes are told without what changed. */
export type FetchedList = 'errands' | 'exceptions' | 'threat-policies' | 'protected' | 'leadership' | 'marks' | 'safety' | 'models'

/** What the console shows as it happens. */
export type LoopEvent =
  | { readonly type: 'traffic', readonly atMs: number, readonly edges: readonly TrafficEdge[], readonly stats: DetectorStats }
  | { readonly type: 'detection', readonly detection: Detection }
  | { readonly type: 'decision', readonly decision: Decision }
  | { readonly type: 'mitigation', readonly mitigation: Mitigation }
  | { readonly type: 'proxy', readonly status: ProxyStatus }
  /** null: actions go on. */
  | { readonly type: 'halt', readonly halt: Halt | null }
  /** null: the mesh policy is gone. */
  | { readonly type: 'rollout', readonly name: string, readonly policy: MeshPolicy | null }
  /** One of the lists that are fetched when somebody looks is another one now. */
  | { readonly type: 'changed', readonly list: FetchedList }

/** What waits for a person. */
export interface Approvals {
  /** Oldest first. */
  readonly waiting: readonly Decision[]
  /** Gives what was decided then: safety is asked again with the state of now. Throws NOT_FOUND, or CONFLICT where it does not wait or there is nothing left to decide. */
  answer: (id: string, answer: 'approve' | 'reject', actor: string, reason: string) => Promise<Decision>
}

/** What console and CLI may ask of the controller. Every change is audited with its actor. */
export interface Loop {
  readonly approvals: Approvals
  readonly killSwitch: KillSwitch
  readonly store: ObjectStore
  readonly audit: AuditTrail
  readonly pods: PodDirectory
  readonly protections: Protections
  readonly proxies: ProxyFleet
  readonly rollouts: Rollouts
  readonly errands: Errands
  readonly evidence: Evidence
  readonly threatPolicies: Pick<ThreatPolicies, 'list'>
  /** What is used up of what may be done, and the circuit breaker. */
  readonly safety: () => SafetyStanding
  /** Which replica works and who follows it; null where it is the only one. */
  readonly leadership: () => LeadershipStanding | null
  readonly flows: Pick<FlowLog, 'records' | 'kept' | 'watched'>
  readonly exceptions: ExceptionBook
  readonly baselines: Baselines
  readonly rulebook: Rulebook
  readonly feedback: Feedback
  /** What a yes to a decision that waits would do now; nothing is done. Throws as an answer does: NOT_FOUND, CONFLICT. */
  outlook: (decision: string) => Outlook
  /** What NetworkPolicies do for a mitigation, or would do. Throws CONFLICT where no cluster is connected, UNAVAILABLE where its policies are not known. */
  effect: (mitigation: Mitigation) => PlanEffect
  /** The newest traffic, or null before any came. */
  traffic: () => Extract<LoopEvent, { type: 'traffic' }> | null
  /** What the detector scores with; null before one has told. */
  models: () => ModelStanding | null
  /** How its candidate compares; null where there is none, or nothing was compared yet. */
  comparison: () => Comparison | null
  /** How much of each namespace's traffic the model was not trained on, by name; empty where the model does not say. */
  readonly drift: { readonly list: () => readonly Drift[] }
  policy: () => { source: string, rules: readonly unknown[] }
  revert: (mitigation: string, actor: string, reason: string) => Promise<Mitigation>
  /** Bounded per subscriber; a slow one loses its oldest events, and `dropped` says how many. */
  subscribe: (signal: AbortSignal) => AsyncIterable<LoopEvent>
  ready: () => { ready: boolean, reasons: readonly string[] }
}
