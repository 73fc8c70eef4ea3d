import type { Verdict } from '../policy/decision.ts'
import type { ReasonCode } from '../reason.ts'

/** What a failed check makes of the action. Nobody may be restricted: a person is told. Too wide: a person must agree. Too soon or too much: nothing. Not for real: it is simulated. */
export const VERDICT_OF: Partial<Record<ReasonCode, Verdict>> = {
  UnknownTarget: 'alert',
  ForgedSource: 'alert',
  CannotEnforce: 'alert',
  NodeNeeded: 'alert',
  ProtectedTarget: 'alert',
  BlastRadius: 'hold',
  WorkloadShare: 'hold',
  TrafficShare: 'hold',
  OneWitness: 'hold',
  Halted: 'suppress',
  AnsweredByPairs: 'suppress',
  AlreadyMitigated: 'suppress',
  Cooldown: 'suppress',
  CircuitOpen: 'suppress',
  RateLimited: 'suppress',
  RuleBudget: 'suppress',
  TargetBudget: 'suppress',
  SourceBudget: 'suppress',
  SimulatedEvidence: 'simulate',
  ActuationDisabled: 'simulate',
  ActionNeedsCluster: 'simulate',
  ActionNotAllowed: 'simulate',
  NotConfigured: 'simulate',
  Observing: 'alert',
  Rehearsed: 'simulate',
  MaintenanceAlert: 'alert',
  MaintenanceHold: 'hold',
  ApprovalRequired: 'hold',
}
