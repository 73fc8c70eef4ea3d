import { amountsOf, areBarren } from '../evidence/amounts.ts'
import type { Facts } from '../evidence/facts.ts'
import { HOP } from '../evidence/kinds/hop.ts'
import { learnHabits } from '../evidence/known-for.ts'
import { trust } from '../evidence/memory.ts'
import { doubtHour, learnUsual } from './baseline.ts'
import { isSpokenOf } from './chains.ts'
import { memoryOf, namesOf, seenIn } from './facts-of.ts'
import type { Score } from './score.ts'
import type { VerdictContext, VerdictState } from './state.ts'

/**
 * Learns from a score that nobody suspects. What it did becomes known and usual, unless it may be the quiet part of an attack: then the hour that
 * goes on does not count for what is usual, either.
 *
 *     who does it was suspected within 30 minutes | was attacked within 30 minutes | sessions are a name, a password and a no | becomes known
 *     no                                          | no                             | no                                       | yes
 *     yes                                         | -                              | -                                        | no
 *     no                                          | yes                            | -                                        | no
 *     no                                          | no                             | yes                                      | no: that is a guess, however slow
 */
export function learn (state: VerdictState, score: Score, facts: Facts | null, context: Pick<VerdictContext, 'whois' | 'nowMs'>): void {
  const isDoubtful = isSpokenOf(state.chains, score.key, context.nowMs) || (facts !== null && (HOP.find(facts) !== null || areBarren(facts)))
  if (isDoubtful) {
    doubtHour(state.baselines, score)
    return
  }
  learnUsual(state.baselines, score)
  const [memory, nameOf] = [memoryOf(state, score), namesOf(context)]
  trust(memory, seenIn(score), nameOf)
  if (facts !== null) learnHabits(memory, { key: score.key, stepMs: score.stepMs, atMs: facts.atMs }, amountsOf(facts), nameOf)
}
