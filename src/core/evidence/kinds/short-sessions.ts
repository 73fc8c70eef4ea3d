import { count, duration, number } from '../../explain/amount.ts'
import { ASKS_WHO, BARREN_BYTES } from '../amounts.ts'
import { destinationOf, mainPort, sourceOf, spanSeconds, sumOf, type Facts } from '../facts.ts'
import type { EvidenceKind, Finding } from '../kind.ts'
import { standingOf } from '../known-for.ts'

/** At others (web logins) most short sessions are ordinary requests. */
const ELSEWHERE = 0.4
/** Strength by sessions in the tensor's span. */
const SESSIONS: readonly (readonly [sessions: number, strength: number])[] = [[100, 1], [30, 0.75], [10, 0.4]]
/** Payload a session, each way: an ssh login that is refused sends 2 kB and gets 3 kB. */
const MOST_BYTES = 6_000
/** Of these, databases are left out: clients without a pool open such sessions all day. */
const PEOPLE_AND_THINGS: ReadonlySet<number> = new Set([21, 22, 23, 110, 143, 990, 993, 995, 1883, 8883, 3389, 5900, 5901])

interface Sessions { readonly port: number, readonly sessions: number, readonly sent: number, readonly received: number, readonly seconds: number }

/** Sessions that were begun at one port, and payload for each, where they are short, answered, and end as fast as they begin. */
function shortSessions (facts: Facts): Sessions | null {
  const port = mainPort(facts)
  const sessions = sumOf(facts, 'syn_count')
  if (port === null || sessions === 0) return null
  const [sent, received] = [sumOf(facts, 'bytes_sent') / sessions, sumOf(facts, 'bytes_received') / sessions]
  const ended = (sumOf(facts, 'fin_count') + sumOf(facts, 'rst_count')) / sessions
  if (sent === 0 || received === 0 || sent > MOST_BYTES || received > MOST_BYTES || ended < 0.5) return null
  return { port, sessions, sent, received, seconds: spanSeconds(facts) }
}

const tell = (facts: Facts, { port, sessions, sent, received, seconds }: Sessions): string =>
  `${sourceOf(facts)} began ${count(sessions, 'short session')} at port ${port} of ${destinationOf(facts)} within ${duration(seconds)}, with ${number(sent)} bytes there and ${number(received)} back in each`

export const SHORT_SESSIONS: EvidenceKind = {
  name: 'short-sessions',
  looksAt: 'sessions at one port that end as fast as they begin, with at most 6 kB each way: 10, 30, 100 in the span count 0.4, 0.75, 1; 0.4 of that where the port is of no service that asks who one is; against, where the key began as many there in four different hours',
  weights: { BRUTE_FORCE: 0.5 },
  find: (facts): Finding | null => {
    const found = shortSessions(facts)
    const strength = found === null ? undefined : SESSIONS.find(([sessions]) => found.sessions >= sessions)?.[1]
    if (found === null || strength === undefined) return null
    if (ASKS_WHO.has(found.port) && standingOf('sessions', found.sessions, facts.usual('sessions', found.port)) === 'usual') return { strength: -1, sentence: `${tell(facts, found)}, as it usually does` }
    return { strength: strength * (ASKS_WHO.has(found.port) ? 1 : ELSEWHERE), sentence: tell(facts, found) }
  },
}

export const BARREN_SESSIONS: EvidenceKind = {
  name: 'barren-sessions',
  looksAt: 'at least 50 such sessions at FTP, ssh, telnet, mail, MQTT, RDP or VNC, with at most 200 bytes each way: a name, a password and a no; none, where a person said that as many are usual',
  weights: { BRUTE_FORCE: 2.5 },
  find: (facts): Finding | null => {
    const found = shortSessions(facts)
    if (found === null || !PEOPLE_AND_THINGS.has(found.port) || found.sessions < 50 || found.sent > BARREN_BYTES || found.received > BARREN_BYTES) return null
    if (standingOf('sessions', found.sessions, facts.taught('sessions', found.port)) === 'usual') return null
    return { strength: 1, sentence: `${tell(facts, found)}: nothing but a name, a password and a no fits in that` }
  },
}
