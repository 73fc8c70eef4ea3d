import type { SourceEvidence } from '../safety/safety.ts'
import { FEATURES, STEPS_MS, TENSOR_WINDOWS } from '../window/window.ts'
import { windowEndMs } from './case.ts'
import type { Detection } from './detection.ts'
import type { Score } from './score.ts'

/** What the observer of a source's own pod told of a pair. Times are Unix ms. */
export interface SourceAccount {
  /** What sees its traffic: packet, sockdiag, … */
  readonly source: string
  /** Since when it has been heard without a break. */
  readonly sinceMs: number
  /** All that ended by then has been told. */
  readonly toldMs: number
  /** When something of its account was lost last; 0 for never. */
  readonly lostMs: number
  /** Number of the oldest window that is still held. */
  readonly oldest: number
  /** Windows of the score's step that are not silent. `proved`: flows that it saw its pod begin. */
  readonly windows: readonly { readonly number: number, readonly flows: number, readonly proved: number }[]
}

export type Comparison = 'agrees' | 'saw-less' | 'saw-nothing' | 'no-observer' | 'cannot-tell' | 'not-yet'

const FLOWS = FEATURES.indexOf('flow_count')
const [SHORTEST_MS] = STEPS_MS
/** Both ends count the same packets; clocks that differ move some into the next window. */
const LEAST_SHARE = 0.75
/** A score of which the account covers less than this is not compared. */
const LEAST_COVERED = 0.5
/** These see every packet, so that their silence means something. */
const SEE_ALL: readonly string[] = ['packet', 'ebpf']
/** A source may be named before it sees its first packet. */
const BEGINS_MS = 2_000

/**
 * Whether the other end is to be asked. What its own observer confirms needs no asking, and what is not proved restricts nobody.
 *
 *     kind    | source is a known pod, live | completed a handshake | confirmed by its own observer | stands for many | asked
 *     pair    | yes                         | yes                   | no                            | no              | yes
 *     pair    | yes                         | yes                   | no                            | yes             | no
 *     pair    | yes                         | yes                   | yes                           | -               | no
 *     pair    | yes                         | no                    | -                             | -               | no
 *     pair    | no                          | -                     | -                             | -               | no
 *     another | -                           | -                     | -                             | -               | no: only one end reports it
 */
export function isToAsk ({ kind, source, simulated }: Pick<Detection, 'kind' | 'source' | 'simulated'>, evidence: SourceEvidence): boolean {
  const { completedHandshake, confirmedByOwnObserver, standsForMany } = evidence
  return kind === 'pair' && source?.uid !== undefined && !simulated && completedHandshake && !confirmedByOwnObserver && !standsForMany
}

/** By when the source's observer must have told for its silence to count: a window more of the shortest step, for clocks differ. */
export const silenceKnownMs = (score: Score): number => windowEndMs(score) + SHORTEST_MS

/**
 * Compares what the victim's observer told of a pair with what the source's own did, in the windows of the score that both cover.
 *
 *     account | pod began most of the flows | sees all, nothing lost, covers the most | told past the window | comparison
 *     none    | -                           | -                                       | -                    | no-observer
 *     there   | yes                         | -                                       | -                    | agrees
 *     there   | no                          | no                                      | -                    | cannot-tell
 *     there   | no                          | yes                                     | no                   | not-yet
 *     there   | some                        | yes                                     | yes                  | saw-less
 *     there   | none                        | yes                                     | yes                  | saw-nothing
 */
export function compareEnds (score: Score, account: SourceAccount | null): Comparison {
  if (account === null) return 'no-observer'
  const { stepMs, windowNumber, tensor } = score
  const first = windowNumber - TENSOR_WINDOWS + 1
  const claimed = Array.from({ length: TENSOR_WINDOWS }, (_, row) => ({ number: first + row, flows: tensor[row * FEATURES.length + FLOWS] ?? 0 }))
  const heardFrom = Math.ceil((account.sinceMs + BEGINS_MS) / stepMs)
  const from = Math.max(first, heardFrom, account.oldest)
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)
  const told = sum(claimed.filter(({ number }) => number >= from).map(({ flows }) => flows))
  // A packet at the edge of a window may lie in the one beside it by another clock.
  const began = sum(account.windows.filter(({ number }) => number >= from - 1 && number <= windowNumber + 1).map(({ proved }) => proved))
  const covers = told >= LEAST_COVERED * sum(claimed.map(({ flows }) => flows)) && told > 0
  if (covers && began >= LEAST_SHARE * told) return 'agrees'
  if (!covers || !SEE_ALL.includes(account.source) || account.lostMs > from * stepMs) return 'cannot-tell'
  if (account.toldMs < silenceKnownMs(score)) return 'not-yet'
  return began > 0 ? 'saw-less' : 'saw-nothing'
}
