import type { ActionType, Verdict } from '../policy/decision.ts'
import type { Pod } from '../pod.ts'
import type { ReasonCode } from '../reason.ts'

export interface SafetySettings {
  readonly actionsPerMinute: number
  readonly breaker: {
    /** This many failed actions within `windowMs` open it. */
    readonly failures: number
    /** This many refusals by the rate limit within `windowMs` open it, too. */
    readonly refusals: number
    readonly windowMs: number
    /** How long it stays open the first time; doubled by each failed trial, up to `maxOpenMs`. */
    readonly openMs: number
    readonly maxOpenMs: number
    /** A trial without an outcome for this long makes room for the next one. */
    readonly trialMs: number
  }
  readonly protectedNamespaces: readonly string[]
  /** `namespace/name`. */
  readonly protectedPods: readonly string[]
  /** A pod with any of these labels, by key and value, is protected. */
  readonly protectedLabels: readonly { readonly key: string, readonly value: string }[]
  readonly actuationEnabled: boolean
  /** Cooldowns kept at one time; beyond it the one that ends first is dropped and counted. */
  readonly maxCooldowns: number
}

/** What is known of the address that would be restricted. */
export interface SourceEvidence {
  readonly completedHandshake: boolean
  readonly confirmedByOwnObserver: boolean
  /** A node's, a NAT's, a gateway's address. */
  readonly standsForMany: boolean
}

export interface SafetyRequest {
  readonly rule: string
  readonly source: string
  readonly target: string
  readonly action: ActionType
  /** Place of the action in its rule. Cooldowns are kept for each, so that a rule's second action is not held back by its first. */
  readonly actionIndex: number
  /** The pod that would be restricted; `anySource` restricts at the victim; null: no known pod has the address. */
  readonly subject: Pod | 'anySource' | null
  readonly evidence: SourceEvidence
  /** Every pod that the plan touches. */
  readonly blastRadius: readonly Pod[]
  readonly blastRadiusLimit: number
  readonly cooldownSeconds: number
  /** Name of the mitigation in force for this rule, source and target. */
  readonly mitigatedBy: string | null
  /** The evidence is a replay. */
  readonly simulatedEvidence: boolean
}

export interface SafetyCheck {
  readonly check: string
  readonly passed: boolean
  readonly reason: ReasonCode
  readonly message: string
}

export interface SafetyResult {
  readonly verdict: Verdict
  /** The reason of the first check that decided; RuleMatched where none held it back. */
  readonly reason: ReasonCode
  readonly message: string
  /** Every check, in order, also those after the one that decided. */
  readonly checks: readonly SafetyCheck[]
  /** To be kept and given to the next call; the argument is not changed. */
  readonly state: SafetyState
}

/** `open` until a time, then `half-open`: one trial; its success closes, its failure opens for twice as long. */
export type Breaker =
  | { readonly state: 'closed' }
  | { readonly state: 'open', readonly untilMs: number, readonly openMs: number }
  | { readonly state: 'half-open', readonly trialSinceMs: number, readonly openMs: number }

/** What was done lately, plain JSON. */
export interface Ledger {
  /** Times of actions in the last minute, oldest first. */
  readonly actions: readonly number[]
  readonly failures: readonly number[]
  readonly refusals: readonly number[]
  readonly breaker: Breaker
  /** End of the cooldown by `rule|source|target`. */
  readonly cooldowns: Readonly<Record<string, number>>
  readonly droppedCooldowns: number
}

/** Two ledgers, so that a replay beside live traffic cannot use up the allowance of a real case. */
export interface SafetyState {
  readonly enforced: Ledger
  readonly simulated: Ledger
}
