import { backoffMs, type Backoff } from '../backoff.ts'
import type { ReasonCode } from '../reason.ts'
import type { Errand, EvictionTask, TaskType } from './errand.ts'

/** What one attempt came to. */
export type Outcome =
  | { readonly result: 'done', readonly reason: ReasonCode, readonly message: string }
  /** It may go well later; `afterMs`: not before, as the other end asks. */
  | { readonly result: 'again', readonly reason: ReasonCode, readonly message: string, readonly afterMs?: number }
  /** It would go no better later. */
  | { readonly result: 'refused', readonly reason: ReasonCode, readonly message: string }
  /** A part of it is done, and the next part may be attempted at once. */
  | { readonly result: 'kept', readonly reason: ReasonCode, readonly message: string, readonly evidence: NonNullable<EvictionTask['evidence']> }

export type ErrandEvent =
  | { readonly type: 'attempted', readonly outcome: Outcome }
  | { readonly type: 'cancelled', readonly reason: ReasonCode, readonly message: string }
  /** Time passed without an attempt. */
  | { readonly type: 'waited' }

const WAITS: Readonly<Record<TaskType, Backoff>> = {
  alert: { baseMs: 1_000, maxMs: 300_000 },
  webhook: { baseMs: 1_000, maxMs: 300_000 },
  // Whether a disruption budget allows it changes with the pods, so it is asked more often.
  eviction: { baseMs: 1_000, maxMs: 15_000 },
}
/** No receiver may put a message off for longer. */
const MAX_AFTER_MS = 900_000

/**
 * The errand after an event. `random` is uniform in [0, 1). What ended is returned as it is.
 *
 *     phase   | event              | next attempt before the deadline | phase after
 *     ended   | any                | -                                | the same
 *     waiting | cancelled          | -                                | cancelled
 *     waiting | attempted, done    | -                                | done
 *     waiting | attempted, refused | -                                | failed, with the attempt's reason
 *     waiting | attempted, kept    | -                                | waiting, due at once, with the evidence
 *     waiting | attempted, again   | yes                              | waiting, after a longer wait each time
 *     waiting | attempted, again   | no                               | failed, NotInTime
 *     waiting | waited             | yes                              | the same
 *     waiting | waited             | no                               | failed, NotInTime
 */
export function advance (errand: Errand, event: ErrandEvent, nowMs: number, random: number): Errand {
  if (errand.state.phase !== 'waiting') return errand
  const at = new Date(nowMs).toISOString()
  switch (event.type) {
    case 'cancelled': return { ...errand, state: { phase: 'cancelled', at }, reason: event.reason, message: event.message }
    case 'waited': return Date.parse(errand.deadline) > nowMs ? errand : tooLate(errand, at)
    case 'attempted': return attempted({ ...errand, attempts: errand.attempts + 1 }, event.outcome, nowMs, random)
  }
}

function attempted (errand: Errand, outcome: Outcome, nowMs: number, random: number): Errand {
  const at = new Date(nowMs).toISOString()
  const { reason, message } = outcome
  switch (outcome.result) {
    case 'done': return { ...errand, state: { phase: 'done', at }, reason, message }
    case 'refused': return { ...errand, state: { phase: 'failed', at }, reason, message }
    case 'kept': return { ...withEvidence(errand, outcome.evidence), state: { phase: 'waiting', nextAt: at }, reason, message }
    case 'again': {
      const asked = Math.min(outcome.afterMs ?? 0, MAX_AFTER_MS)
      const nextMs = nowMs + Math.max(asked, backoffMs(errand.attempts - 1, random, WAITS[errand.task.type]))
      if (nextMs >= Date.parse(errand.deadline)) return tooLate({ ...errand, message }, at)
      return { ...errand, state: { phase: 'waiting', nextAt: new Date(nextMs).toISOString() }, reason, message }
    }
  }
}

const tooLate = (errand: Errand, at: string): Errand =>
  ({ ...errand, state: { phase: 'failed', at }, reason: 'NotInTime', message: `It could not be done before ${errand.deadline}. The last that was heard: ${errand.message}` })

function withEvidence (errand: Errand, evidence: NonNullable<EvictionTask['evidence']>): Errand {
  return errand.task.type === 'eviction' ? { ...errand, task: { ...errand.task, evidence } } : errand
}
