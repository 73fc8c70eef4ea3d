import type { Account } from '../core/history/accounts.ts'
import type { FlowEnd, FlowRecord } from '../core/history/flow-record.ts'
import type { WatchedPod } from '../core/history/watched.ts'
import type { ObservedFlow } from '../core/plan/check-plan.ts'

/** What one witness told of two ends at one port in one minute, with who had their addresses. */
export interface FlowAccount extends Omit<Account, 'source' | 'destination'> {
  readonly source: FlowEnd
  readonly destination: FlowEnd
}

/** Which recorded flows: those of a time, and of these only those with an end that is one of the pods (by UID), or in the namespace. */
export interface FlowQuery {
  /** Unix time. */
  readonly sinceMs: number
  /** Unix time; absent for now. */
  readonly untilMs?: number
  readonly pods?: readonly string[]
  readonly namespace?: string
}

export interface FlowsKept {
  /** Folded rows. */
  readonly rows: number
  /** Unix time of the oldest; null where there is none. */
  readonly sinceMs: number | null
  /** Rows that went before their time for want of room; accounts that came too late to be compared; accounts with ends that there was no room for. */
  readonly lost: { readonly room: number, readonly late: number, readonly ends: number }
}

/** A pod in one minute. */
export interface PodMinute {
  readonly uid: string
  readonly namespace: string
  /** Whether its observer reported. */
  readonly observed: boolean
}

/** What was seen, kept for a day, and bounded. */
export interface FlowLog {
  /** Resolves when they are kept. Rejects UNAVAILABLE where they cannot be. The same account twice counts once. */
  record: (accounts: readonly FlowAccount[]) => Promise<void>
  /** Pods that were there in a minute (Unix minutes). The same minute twice counts once. Rejects UNAVAILABLE. */
  watch: (minute: number, pods: readonly PodMinute[]) => Promise<void>
  /** Of the pods of a namespace; hours that reach into the time count wholly. */
  watched: (query: Required<Pick<FlowQuery, 'sinceMs' | 'namespace'>> & Pick<FlowQuery, 'untilMs'>) => readonly WatchedPod[]
  /** Merges what both ends have told by now, and lets go of what is too old or too much. To be called about once a minute. */
  settle: () => Promise<void>
  /** One record for two ends and a port, summed over the time; buckets of five minutes that reach into it count wholly. */
  records: (query: FlowQuery) => readonly FlowRecord[]
  kept: () => FlowsKept
}

/** What was seen, for whoever must know what a restriction would cost. */
export interface FlowHistory {
  /** TCP, UDP and SCTP to ports that are known, between addresses of now. With `pods`, by UID, only flows of these: a plan concerns few. */
  seen: (sinceMs: number, pods?: readonly string[]) => readonly ObservedFlow[]
}
