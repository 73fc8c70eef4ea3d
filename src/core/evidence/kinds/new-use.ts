import { duration } from '../../explain/amount.ts'
import { sessionsOf, uploadOf } from '../amounts.ts'
import { destinationOf, sourceOf, type Facts } from '../facts.ts'
import type { EvidenceKind, Finding } from '../kind.ts'
import { standingOf } from '../known-for.ts'
import { KNOWN_AFTER_HOURS } from '../remembering.ts'
import { managementPort } from './management-port.ts'

/** Who was watched for less saw nothing that could be missed. */
const LEAST_WATCHED_MS = 5_000
/** Steps of watching after which that a use was never seen says more: strength by the time watched. */
const WATCHED: readonly (readonly [ms: number, strength: number])[] = [[3_600_000, 1], [600_000, 0.75], [LEAST_WATCHED_MS, 0.5]]

export const NEW_USE: EvidenceKind = {
  name: 'new-use',
  looksAt: 'whether the pair used this port before, in full after an hour of watching one of its ends, half after seconds; against, once it was used in four different hours without suspicion, for no more than is usual',
  weights: { LATERAL_MOVEMENT: 1.5, BRUTE_FORCE: 1.5, DATA_EXFILTRATION: 1 },
  find: (facts): Finding | null => {
    const { past } = facts
    const port = managementPort(facts)?.port ?? facts.score.window.ports[0]?.port
    const use = port === undefined ? undefined : past?.ports.get(port)
    if (past === null || port === undefined || use === undefined) return null
    const who = `${sourceOf(facts)} and port ${port} of ${destinationOf(facts)}`
    const isKnown = use.hours >= KNOWN_AFTER_HOURS || facts.taught('use', port) !== null
    if (isKnown && isMore(facts)) return null // known, but not for this
    if (isKnown) return { strength: -1, sentence: `${who} are known to each other` }
    if (use.hours > 1) return null
    const watchedMs = use.firstMs - past.watchedSinceMs
    const strength = WATCHED.find(([ms]) => watchedMs >= ms)?.[1]
    return strength === undefined ? null : { strength, sentence: `${who} had nothing to do with each other in the ${duration(watchedMs / 1000)} before` }
  },
}

/** Whether it sends or begins more than it is known for. */
const isMore = (facts: Facts): boolean => [uploadOf(facts), sessionsOf(facts)].some((done) => {
  const standing = done === null ? 'unknown' : standingOf(done.measure, done.amount, facts.usual(done.measure, done.port))
  return standing === 'more' || standing === 'beyond'
})
