/** What a Lease says. */
export interface LeaseRecord {
  /** Who leads; null where the last leader laid it down, or nobody ever led. */
  readonly holder: string | null
  /** How long the holder may lead without renewing. */
  readonly durationMs: number
  /** How often it has changed hands. */
  readonly transitions: number
  /** Replicas that have all that the holder has acknowledged, the holder among them. */
  readonly inSync: readonly string[]
}

/** A Lease and how long one has looked at it: times written by others are never compared with the own clock. */
export interface Sight {
  readonly record: LeaseRecord
  /** For how long it has not changed before one's own eyes. */
  readonly unchangedMs: number
}

export interface ElectionSettings {
  /** How long a leader may lead without renewing. */
  readonly durationMs: number
  /** How long a leader tries to renew before it stops; below `durationMs`, so that it has stopped before another begins. */
  readonly renewMs: number
  /** How often all look. */
  readonly retryMs: number
  /** For how long a replica that may miss something waits for one that does not. */
  readonly staleMs: number
}

const RETRY_MS = 500

/** A leader that dies is replaced within its duration and two looks. */
export const electionSettings = (durationMs: number): ElectionSettings => ({ durationMs, renewMs: durationMs - RETRY_MS, retryMs: RETRY_MS, staleMs: Math.max(30_000, 3 * durationMs) })

/**
 * - `lead`: take it. `missing` is what is taken over without what others may have: the holder's last acknowledged writes.
 * - `wait`: somebody else leads, or should.
 */
export type Election = { readonly outcome: 'lead', readonly missing: 'nothing' | 'unknown' } | { readonly outcome: 'wait' }

/**
 * Whether this replica may take the lease. `null`: there is none.
 *
 *     lease | held by | unchanged for      | in sync         | outcome
 *     none  | -       | -                  | -               | lead, nothing is missing
 *     some  | itself  | -                  | -               | lead, nothing is missing: the process before this one is gone
 *     some  | other   | under its duration | -               | wait
 *     some  | other   | its duration       | yes, or nobody  | lead, nothing is missing
 *     some  | nobody  | -                  | yes, or nobody  | lead, nothing is missing
 *     some  | other or nobody | under `staleMs` | others alone | wait
 *     some  | other or nobody | `staleMs`       | others alone | lead, unknown
 */
export function elect (self: string, sight: Sight | null, { staleMs }: Pick<ElectionSettings, 'staleMs'>): Election {
  if (sight === null) return { outcome: 'lead', missing: 'nothing' }
  const { record: { holder, durationMs, inSync }, unchangedMs } = sight
  if (holder === self) return { outcome: 'lead', missing: 'nothing' }
  if (holder !== null && unchangedMs < durationMs) return { outcome: 'wait' }
  if (inSync.length === 0 || inSync.includes(self)) return { outcome: 'lead', missing: 'nothing' }
  return unchangedMs < Math.max(staleMs, durationMs) ? { outcome: 'wait' } : { outcome: 'lead', missing: 'unknown' }
}

/** The lease as this replica holds it from now on. Only it is in sync: what the others have is found out. */
export function taken (self: string, before: LeaseRecord | null, { durationMs }: Pick<ElectionSettings, 'durationMs'>): LeaseRecord {
  const changedHands = before !== null && before.holder !== self
  return { holder: self, durationMs, transitions: (before?.transitions ?? 0) + (changedHands ? 1 : 0), inSync: [self] }
}

/** The lease as a leader that stops leaves it: whoever is in sync may take it at once. */
export const laidDown = (record: LeaseRecord): LeaseRecord => ({ ...record, holder: null })
