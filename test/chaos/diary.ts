import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { AuditEntry } from '../../src/ports/audit.ts'

/** What can be killed. `proxy` is an Envoy, `keeper` the process that keeps it. */
export const TARGETS = ['leader', 'follower', 'api-server', 'etcd', 'proxy', 'keeper', 'observer', 'detector', 'xds'] as const
export type Target = (typeof TARGETS)[number]

/** The moment that a kill aims at: any, or right after something was written. */
export const AIMS = ['any', 'audit', 'mitigation', 'status', 'policy'] as const
export type Aim = (typeof AIMS)[number]

/** A stretch of time, Unix ms. */
export interface Span {
  readonly fromMs: number
  readonly untilMs: number
}

export interface Kill {
  readonly target: Target
  /** The process that was killed. */
  readonly name: string
  readonly aim: Aim
  readonly atMs: number
}

/** One connection that somebody tried. */
export interface Probe extends Span {
  readonly source: string
  readonly victim: string
  readonly got: 'served' | 'refused' | 'silence'
}

/** A write of a controller that the API server took, out of its own audit log. */
export interface ApiWrite {
  readonly receivedMs: number
  readonly answeredMs: number
  /** The pod whose token it came with. */
  readonly pod: string
  readonly resource: string
  readonly name: string
  readonly verb: string
  /** The object as it was after it. */
  readonly object: Readonly<Record<string, unknown>>
}

/** Something that was asked of the leader and that it said yes to. */
export interface Order {
  /** Of the exception that it made. */
  readonly name: string
  readonly answeredMs: number
}

/** From when to when a pod's proxy could not restrict: killed, and not in front of its pod again. */
export interface Downtime extends Span {
  readonly victim: string
}

/** A NetworkPolicy of ours. */
export interface StoredPolicy {
  /** `NAMESPACE/NAME`. */
  readonly key: string
  readonly mitigation: string
}

/** What there is at one moment at which nothing is killed, nobody attacks and everything runs. */
export interface Rest {
  readonly atMs: number
  readonly mitigations: readonly Mitigation[]
  /** Names of objects without a status. */
  readonly unfinished: readonly string[]
  readonly policies: readonly StoredPolicy[]
  /** Pods that carry the label by which our policies select, though nobody asks for it. */
  readonly marked: readonly string[]
  /** `SOURCE > VICTIM` that is not served. */
  readonly refused: readonly string[]
  /** Attackers whose last attack, with everything running, led to no mitigation. */
  readonly unanswered: readonly string[]
}

/** What the evaluator of NetworkPolicies made of those that were stored at one moment. */
export interface Judged {
  readonly atMs: number
  readonly mitigation: string
  /** Flows that the mitigation should cut and the stored policies let pass. */
  readonly open: readonly string[]
  /** Flows of the innocent that the stored policies cut. */
  readonly cut: readonly string[]
}

/** All that was seen in one run. */
export interface Diary {
  readonly seed: string
  readonly startedMs: number
  readonly endedMs: number
  readonly kills: readonly Kill[]
  /** Sources of probes that nothing should be done to. */
  readonly innocent: readonly string[]
  /** A pod without a proxy, that nobody attacks. */
  readonly plain: string
  /** UIDs of pods by their names. */
  readonly uids: ReadonlyMap<string, string>
  readonly probes: readonly Probe[]
  readonly downtimes: readonly Downtime[]
  /** When the API server did not answer. */
  readonly apiAway: readonly Span[]
  readonly writes: readonly ApiWrite[]
  readonly orders: readonly Order[]
  readonly rests: readonly Rest[]
  readonly judged: readonly Judged[]
  /** Names of exceptions in the API server at the end. */
  readonly exceptions: readonly string[]
  /** Trail of each replica at the end, oldest entry first; `fault` says where its chain is broken. */
  readonly trails: readonly { readonly replica: string, readonly leads: boolean, readonly entries: readonly AuditEntry[], readonly fault: string | null }[]
  readonly budgets: { readonly actionsPerMinute: number, readonly source: number, readonly target: number, readonly rule: number }
}
