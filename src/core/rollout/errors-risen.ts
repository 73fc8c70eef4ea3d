import { atLeast, upperBound } from './binomial.ts'
import type { Group } from './mesh-policy.ts'

/**
 * Fewer connections on either side are not compared: one client that tries again and again is one fault, and the test below
 * takes each connection for one of its own.
 */
export const MIN_COMPARED = 30

/** Of each of the two steps below, so that equal groups are told apart in at most one of 5,000 looks. */
const ALPHA = 1 / 10_000

/**
 * Whether connections to the pods that enforce fail more often than those to the others by more than `maxRise`, and by
 * more than chance explains. Exact, also for few failures: the others' true rate is at most its upper bound (missed with
 * probability ALPHA); with `maxRise` on top of that, as many failures as were seen have a probability below ALPHA.
 */
export function errorsRisen (enforcing: Pick<Group, 'attempts' | 'failed'>, others: Pick<Group, 'attempts' | 'failed'>, maxRise: number): boolean {
  if (Math.min(enforcing.attempts, others.attempts) < MIN_COMPARED) return false
  if (enforcing.failed / enforcing.attempts - others.failed / others.attempts <= maxRise) return false
  const worst = upperBound(others.failed, others.attempts, ALPHA) + maxRise
  return atLeast(enforcing.failed, enforcing.attempts, worst) < ALPHA
}
