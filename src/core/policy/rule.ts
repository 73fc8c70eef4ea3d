import type { ApprovalRule } from '../safety/approval.ts'
import type { Limit } from '../mitigation/mitigation.ts'
import type { Escalation } from '../mitigation/escalation-status.ts'
import type { Condition } from './condition/condition.ts'

export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/**
 * Where the flow from a detection's source to its target is cut: `egress` as it leaves the source,
 * `ingress` as it enters the target, `both` at both ends.
 */
export const DIRECTIONS = ['ingress', 'egress', 'both'] as const
export type Direction = (typeof DIRECTIONS)[number]

export type Ports = 'any' | readonly number[]

/** What a rule does, with its parameters after parsing; nothing is left to guess. */
export type Action =
  | { readonly type: 'network_policy', readonly direction: Direction, readonly ports: Ports }
  | { readonly type: 'pod_isolation' }
  | { readonly type: 'traffic_throttle', readonly direction: Direction, readonly ports: Ports, readonly limit: Limit }
  | { readonly type: 'pod_termination', readonly gracePeriodSeconds: number }
  | { readonly type: 'node_quarantine', readonly effect: 'NoSchedule' | 'NoExecute' }
  | { readonly type: 'alert_only', readonly channel: string, readonly priority: Severity }
  | { readonly type: 'custom_webhook', readonly url: string, readonly method: 'POST' | 'PUT' }

export interface Rule {
  /** Unique in its policy: the file's `id`, else made from the name or the place. Names cooldowns, metrics and owners. */
  readonly id: string
  readonly name: string
  readonly description: string
  readonly enabled: boolean
  readonly attackClass: string
  readonly severity: Severity
  readonly confidenceThreshold: number
  readonly cooldownSeconds: number
  /** The most pods that one action of this rule may touch. */
  readonly blastRadiusLimit: number
  readonly approval: ApprovalRule
  /** Time over which `features.*` are summed in its condition. */
  readonly windowSeconds: number
  /** Life of the mitigations that follow from it. */
  readonly ttlSeconds: number
  /** How far a restriction of it that does not hold may grow. */
  readonly escalation: Escalation
  readonly condition: Condition | null
  readonly actions: readonly Action[]
  /** Line of the rule in its file, from 1. */
  readonly line: number
}

export interface Policy {
  /** The file that it came from. */
  readonly name: string
  readonly rules: readonly Rule[]
}
