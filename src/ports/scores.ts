import type { WindowCounts } from '../core/drift/drift.ts'
import type { Account } from '../core/explain/account.ts'
import type { FlowSighting } from '../core/history/sighting.ts'
import type { RestrictionCount } from '../core/mitigation/restriction-count.ts'
import type { Comparison } from '../core/model/comparison.ts'
import type { ModelStanding } from '../core/model/standing.ts'
import type { Score } from '../core/verdict/score.ts'
import type { ClientRefusal } from './proxies.ts'
import type { SourceAccount } from '../core/verdict/source-account.ts'
import type { StepMs } from '../core/window/window.ts'
import type { ModelInfo } from './scorer.ts'

/** Traffic that the dashboard draws: one edge a pair, summed over one 15 s window. */
export interface TrafficEdge {
  readonly source: string
  readonly destination: string
  readonly packets: number
  readonly bytes: number
  readonly flows: number
}

/** Cumulative since the detector's start. */
export interface DetectorStats {
  readonly observers: number
  readonly packets: number
  readonly flows: number
  readonly windows: number
  readonly tensors: number
  readonly keys: number
  readonly dropped: number
  readonly malformed: number
  /** Packets that left a pod under an address that is not its own. */
  readonly forgedSent: number
  /** Of these, packets of the last minute by UID of the pod; at most 64 pods. */
  readonly forging: Readonly<Record<string, number>>
  /** Streams and calls that the detector refused, by reason. */
  readonly refused: Readonly<Record<string, number>>
}

/** `synced` opens every stream and says which model is behind the scores; it comes again before the first score of another. */
export type ScoreEvent =
  | { readonly type: 'synced', readonly model: ModelInfo }
  | { readonly type: 'scores', readonly scores: readonly Score[] }
  | { readonly type: 'traffic', readonly atMs: number, readonly edges: readonly TrafficEdge[], readonly stats: DetectorStats }
  | { readonly type: 'restrictions', readonly counts: readonly RestrictionCount[] }
  | { readonly type: 'flows', readonly sightings: readonly FlowSighting[] }
  | { readonly type: 'counts', readonly counts: readonly WindowCounts[] }
  | { readonly type: 'models', readonly standing: ModelStanding }
  /** What model and candidate said of the same windows, so far. */
  | { readonly type: 'comparison', readonly comparison: Comparison }
  /** Before there was any traffic that they come with. */
  | { readonly type: 'stats', readonly stats: DetectorStats }
  /** Whom the detector refused, sparingly: observers that lie are among them. */
  | { readonly type: 'refusals', readonly refusals: readonly ClientRefusal[] }

/** What the controller needs of the detectors. */
export interface ScoreSource {
  /** Live scores whose attack probability is at or above `floor`; with `everyKey`, also each key at each closed 15 s window. Reconnects by itself until aborted. */
  watch: (interest: { floor: number, everyKey: boolean }, signal: AbortSignal) => AsyncIterable<ScoreEvent>
  /** What made the score of `className`: features and windows set to `usual` (12 values, of one window) and scored again. */
  explain: (score: Score, className: string, usual: readonly number[]) => Promise<Account>
}

/** Who sees traffic now. */
export interface Reporters {
  /** SPIFFE IDs of the observers that are connected to the detector. Throws UNAVAILABLE where it does not answer. */
  reporters: () => Promise<ReadonlySet<string>>
}

export interface SourceQuestion {
  /** SPIFFE ID of the observer of the source's pod. */
  readonly reporter: string
  readonly source: string
  /** Addresses by which the source may have turned to the other end, 1 to 64. */
  readonly destinations: readonly string[]
  readonly stepMs: StepMs
  /** Unix ms: the answer waits, for a second at most, until the observer has told of all that ended by then. */
  readonly throughMs: number
}

/** What the other end tells of a pair. */
export interface SourceAccounts {
  /** null where no such observer is connected. Throws UNAVAILABLE where the detector does not answer. */
  sourceAccount: (question: SourceQuestion) => Promise<SourceAccount | null>
}
