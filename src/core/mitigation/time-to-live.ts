import type { ReasonCode } from '../reason.ts'
import type { Mitigation } from './mitigation.ts'

/** What is known of the attack that a mitigation answers. */
export interface Signs {
  /** Unix ms of the newest sign of an open detection of its source and target; null where none is open. */
  readonly openMs: number | null
  /** Unix ms of the last sign of any kind: an open detection, an attempt at what is forbidden, or the moment from which anybody looked. */
  readonly lastMs: number
  /** How often the attack had come back already when the mitigation began. */
  readonly returnsBefore: number
}

/** A change of when a mitigation ends; `mitigation` has it. */
export interface TermChange {
  readonly reason: Extract<ReasonCode, 'AttackGoesOn' | 'AttackEnded' | 'AttackCameBack'>
  readonly mitigation: Mitigation
}

/** However long an attack goes on, after this many times to live it is decided anew. */
export const MOST_LIVES = 12
/** No mitigation lasts longer: 30 days. */
const LONGEST_MS = 30 * 86_400_000
/** What is left after a shortening, and the least quiet period. */
export const FLOOR_MS = 60_000
/** An extension is written in steps of this share of the time to live, and the quiet period begins as one. */
const SHARE = 4

/**
 * How long it must have been quiet before the end is brought forward: a quarter of the time to live, twice that for each time that the
 * attack came back, and never less than `FLOOR_MS`.
 */
export const quietMs = (ttlMs: number, returns: number): number => Math.max(FLOOR_MS, ttlMs / SHARE * 2 ** Math.min(returns, 16))

/**
 * Whether the end of a mitigation in force moves. null: it stays, as it does where the mitigation has no `life`.
 *
 *     detection | a sign within the quiet period | shortened before | its end
 *     open      | -                              | no               | one time to live after the newest sign, where that is a quarter later
 *     open      | -                              | yes              | its former end, or one time to live after the newest sign
 *     none      | yes                            | no               | stays: an attempt may be honest, so it does not extend
 *     none      | yes, after the shortening      | yes              | its former end
 *     none      | yes, before the shortening     | yes              | stays
 *     none      | no                             | no               | FLOOR_MS from now and not before `leastSeconds`, where that is earlier
 *     none      | no                             | yes              | stays
 *
 * No end lies more than `MOST_LIVES` times to live after the beginning.
 */
export function followAttack (mitigation: Mitigation, { openMs, lastMs, returnsBefore }: Signs, nowMs: number): TermChange | null {
  const { life } = mitigation.spec
  if (life === undefined || mitigation.status.phase !== 'active') return null
  const { term } = mitigation.status
  const beginMs = Date.parse(mitigation.metadata.creationTimestamp)
  const [endMs, ttlMs] = [Date.parse(mitigation.spec.expiresAt), life.ttlSeconds * 1_000]
  const latestMs = beginMs + Math.max(ttlMs, Math.min(MOST_LIVES * ttlMs, LONGEST_MS))
  const wantedMs = openMs === null ? -Infinity : Math.min(latestMs, openMs + ttlMs)
  const returns = Math.max(term?.returns ?? 0, returnsBefore)

  if (term?.reason === 'AttackEnded') {
    if (lastMs <= Date.parse(term.at)) return null
    const backMs = Math.max(Date.parse(term.formerEnd), wantedMs, endMs)
    return moved(mitigation, 'AttackCameBack', backMs, returns + 1, nowMs)
  }
  if (openMs !== null) {
    const isStep = wantedMs - endMs >= ttlMs / SHARE || (wantedMs === latestMs && wantedMs > endMs)
    return isStep ? moved(mitigation, 'AttackGoesOn', wantedMs, returns, nowMs) : null
  }
  if (nowMs - lastMs < quietMs(ttlMs, returns)) return null
  const shortMs = Math.max(nowMs + FLOOR_MS, beginMs + life.leastSeconds * 1_000)
  return shortMs < endMs ? moved(mitigation, 'AttackEnded', shortMs, returns, nowMs) : null
}

/**
 * Up to when (Unix ms) what was seen is answered by a mitigation that expired: its end. An attack that outlasted it is answered by nothing
 * any more, as told by an end that was put off as far as it goes.
 */
export function answeredUntilMs ({ spec: { life, expiresAt }, metadata, status }: Mitigation): number {
  const endMs = Date.parse(status.endedAt ?? expiresAt)
  const outlasted = life !== undefined && endMs - Date.parse(metadata.creationTimestamp) >= MOST_LIVES * life.ttlSeconds * 1_000
  return outlasted ? -Infinity : endMs
}

const WORDS: Record<TermChange['reason'], string> = {
  AttackGoesOn: 'The attack goes on, so it holds longer',
  AttackEnded: 'The detection is closed and nothing was tried for a while, so it ends earlier',
  AttackCameBack: 'The attack came back, so it holds as long as before',
}

function moved (mitigation: Mitigation, reason: TermChange['reason'], toMs: number, returns: number, nowMs: number): TermChange {
  const { metadata, spec, status } = mitigation
  const expiresAt = new Date(toMs).toISOString()
  return {
    reason,
    mitigation: {
      ...mitigation,
      metadata: { ...metadata, generation: metadata.generation + 1 },
      spec: { ...spec, expiresAt },
      status: { ...status, term: { reason, message: `${WORDS[reason]}: until ${expiresAt}, not ${spec.expiresAt}.`, at: new Date(nowMs).toISOString(), formerEnd: spec.expiresAt, returns } },
    },
  }
}

/** What a mitigation of the same case that ended before says of one that began now: how often the attack came back. */
export function returnsAfter (before: Mitigation, beginMs: number): number {
  const { spec: { life }, status: { term, endedAt } } = before
  if (life === undefined || endedAt === undefined || term?.reason !== 'AttackEnded') return 0
  return beginMs - Date.parse(endedAt) <= life.ttlSeconds * 1_000 ? term.returns + 1 : 0
}
