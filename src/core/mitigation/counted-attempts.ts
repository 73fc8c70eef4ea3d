import type { Limit, Mitigation } from './mitigation.ts'
import type { RestrictionCount } from './restriction-count.ts'

/** The stretch of time that one count speaks of. */
const STEP_MS = 500
/** Envoy fills a bucket 20 times a second at most, with whole tokens. */
const FILLS_PER_SECOND = 20

/** What is left of a limit at one proxy, as far as its counts tell. Not mutated after it was made. */
export interface Budget {
  readonly left: number
  /** Unix ms until which it was reckoned. */
  readonly untilMs: number
}

/** Attempts to do what the mitigation forbids, and how many of them got through. */
export interface Counted {
  readonly attempts: number
  readonly through: number
  /** For a rate: its budget after the count. */
  readonly budget: Budget | null
}

/**
 * What the count of a victim's proxy says of a mitigation; null where it says nothing. `budget` is what the count before it left, at the
 * same proxy and port; null: none came before. A proxy of the subject is not asked whether its own pod is held back: it stands in that pod.
 *
 *     count                                   | action, unit        | attempts         | through
 *     of another pair or port, or subject's   | -                   | none             | -
 *     of one source, where all are meant      | -                   | none             | -
 *     of all sources, where one is meant      | -                   | none             | -
 *     of all sources                          | limit, connections/s | limited         | 0: what passes is not counted
 *     of all sources                          | any other           | none             | -
 *     any                                     | watch               | none             | -
 *     any                                     | deny                | all              | those that passed
 *     connections (requests)                  | limit, that rate    | limited + beyond | what passed beyond its budget
 *     connections                             | limit, connections  | limited          | 0: how many were open at one time is not logged
 *     any                                     | limit, another unit | none             | -
 *
 * Bytes a second are in no count: a log does not tell what a proxy held back.
 */
export function countedAttempts ({ spec }: Mitigation, count: RestrictionCount, budget: Budget | null): Counted | null {
  if (!concerns(spec, count)) return null
  if (count.source === null) return spec.action === 'limit' && spec.limit?.unit === 'connections/s' ? { attempts: count.limited, through: 0, budget: null } : null
  if (spec.action === 'deny') return { attempts: count.attempts, through: count.passed, budget: null }
  if (spec.action === 'watch' || spec.limit === undefined) return null
  switch (spec.limit.unit) {
    case 'connections/s': return count.unit === 'connections' ? overRate(spec.limit, count, budget) : null
    case 'requests/s': return count.unit === 'requests' ? overRate(spec.limit, count, budget) : null
    case 'connections': return count.unit === 'connections' ? { attempts: count.limited, through: 0, budget: null } : null
    case 'bytes/s': return null
  }
}

function concerns ({ subject, victims, ports }: Mitigation['spec'], { podUid, source, port }: RestrictionCount): boolean {
  if (!victims.some(({ uid }) => uid === podUid)) return false
  // A limit on any port and one on single ports are two, and each drops by itself.
  if (subject === 'anySource') return source === null && (ports === 'any' ? port === null : port !== null && ports.includes(port))
  if (source === null || !subject.addresses.includes(source)) return false
  return ports === 'any' || (port !== null && ports.includes(port))
}

/** A token bucket as generous as Envoy's can be: full at first, filled by whole tokens, and spent at any moment of the step. */
function overRate ({ value, burst }: Limit, { atMs, passed, limited }: RestrictionCount, before: Budget | null): Counted {
  const fill = Math.max(1, Math.ceil(value / FILLS_PER_SECOND))
  const most = Math.max(fill, burst)
  const refilled = before === null ? most : Math.min(most, before.left + value * Math.max(0, atMs - before.untilMs) / 1_000)
  // Two counts of one step share what comes in during it.
  const comesMs = before === null ? STEP_MS : Math.max(0, Math.min(STEP_MS, atMs + STEP_MS - before.untilMs))
  const spent = refilled + value * comesMs / 1_000 - passed
  const through = Math.max(0, Math.ceil(-fill - spent))
  return { attempts: limited + through, through, budget: { left: Math.min(most, Math.max(-fill, spent)), untilMs: Math.max(before?.untilMs ?? 0, atMs + STEP_MS) } }
}
