import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import type { Pod } from '../pod.ts'
import { FEATURES } from '../window/window.ts'
import type { Score } from '../verdict/score.ts'
import { parseSpiffeId } from '../identity.ts'
import type { Evidence } from './mesh-policy.ts'
import type { Members } from './scope.ts'

const Counts = Type.Object({ attempts: Type.Number(), failed: Type.Number(), tried: Type.Number(), stopped: Type.Number() }, { additionalProperties: false })

/** What was counted in one step of a rollout. Plain JSON. */
export const Tally = Type.Object({
  /** `status.since` of the step. */
  since: Type.String(),
  enforcing: Counts,
  others: Counts,
  /** UIDs of pods at which legitimate connections were seen. */
  seen: Type.Record(Type.String(), Type.Literal(true), { maxProperties: 10_000 }),
  /** The newest of it, by five minutes, oldest first. */
  recent: Type.Array(Type.Object({ startMs: Type.Number(), enforcing: Counts, others: Counts }, { additionalProperties: false }), { maxItems: 16 }),
}, { additionalProperties: false })
export type Tally = Static<typeof Tally>
export const parseTally = (value: unknown): Tally | null => Value.Check(Tally, value) ? value : null

/** A pod beyond it is taken as not seen, so that a rollout waits rather than goes on. */
const MAX_SEEN = 10_000

const NOTHING = { attempts: 0, failed: 0, tried: 0, stopped: 0 }
export const emptyTally = (since: string): Tally => ({ since, enforcing: NOTHING, others: NOTHING, seen: {}, recent: [] })

const SLICE_MS = 300_000
/**
 * At its target a rollout may stay for months: what was stopped long ago must not add up there, and what passed long ago
 * must not pay for what is stopped now.
 */
export const TARGET_WINDOW_MS = 12 * SLICE_MS

/** Something that was seen at a pod, at a time in Unix ms. */
export type Seen = Partial<Static<typeof Counts>> & { readonly podUid: string, readonly atMs: number }

/** The tally with it; the same object where the pod is none of the policy's. */
export function count (tally: Tally, { enforcing, others }: Members, { podUid, atMs, ...counts }: Seen): Tally {
  const group = enforcing.has(podUid) ? 'enforcing' : others.has(podUid) ? 'others' : null
  if (group === null) return tally
  const counted = { ...NOTHING, ...counts }
  const isNew = counted.attempts > 0 && !Object.hasOwn(tally.seen, podUid) && Object.keys(tally.seen).length < MAX_SEEN
  return {
    ...tally,
    [group]: plus(tally[group], counted),
    seen: isNew ? { ...tally.seen, [podUid]: true } : tally.seen,
    recent: withSlice(tally.recent, group, counted, Math.floor(atMs / SLICE_MS) * SLICE_MS),
  }
}

const plus = (left: Static<typeof Counts>, right: Static<typeof Counts>): Static<typeof Counts> =>
  ({ attempts: left.attempts + right.attempts, failed: left.failed + right.failed, tried: left.tried + right.tried, stopped: left.stopped + right.stopped })

/** What is older than the window beside the newest is let go, also where it comes late. */
function withSlice (recent: Tally['recent'], group: 'enforcing' | 'others', counted: Static<typeof Counts>, startMs: number): Tally['recent'] {
  const known = recent.find((slice) => slice.startMs === startMs) ?? { startMs, enforcing: NOTHING, others: NOTHING }
  const slices = [...recent.filter((slice) => slice !== known), { ...known, [group]: plus(known[group], counted) }].toSorted((left, right) => left.startMs - right.startMs)
  return slices.filter((slice) => slice.startMs >= (slices.at(-1)?.startMs ?? 0) - TARGET_WINDOW_MS)
}

/** One step of the windows is counted: three would count each connection three times. */
const STEP_MS = 15_000
const [FLOWS, FAILED] = (['flow_count', 'failed_conn_ratio'] as const).map((name) => FEATURES.indexOf(name))

/**
 * Connections to a pod, as its own observer saw them: what a proxy in front of it refused is a failure there. null for
 * what says nothing: recordings, other keys and steps, and the account of the other end, which would count twice.
 */
export function seenOf ({ key, stepMs, reporter, simulated, window }: Score, podAt: (address: string) => Pick<Pod, 'uid'> | null): (Omit<Seen, 'atMs'> & { readonly source: string }) | null {
  if (simulated || stepMs !== STEP_MS || key.kind !== 'pair') return null
  const podUid = podAt(key.destination)?.uid
  if (podUid === undefined || parseSpiffeId(reporter)?.uid !== podUid) return null
  const feature = (index: number | undefined): number => window.features[index ?? -1] ?? 0
  const attempts = feature(FLOWS)
  return { podUid, source: key.source, attempts, failed: Math.round(attempts * feature(FAILED)) }
}

/** What the tally says of what was seen since `sinceMs`, to five minutes (0: of the whole step), beside what the proxies say now. */
export function evidenceOf (tally: Tally, { enforcing, others }: Members, proxies: { readonly inSync: ReadonlySet<string>, readonly refusal: string | null }, sinceMs = 0): Evidence {
  const present = (uid: string): boolean => enforcing.has(uid) || others.has(uid)
  const counted = (group: 'enforcing' | 'others') => sinceMs === 0 ? tally[group] : tally.recent.filter(({ startMs }) => startMs + SLICE_MS > sinceMs).reduce((sum, slice) => plus(sum, slice[group]), NOTHING)
  return {
    enforcing: { pods: enforcing.size, ...counted('enforcing') },
    others: { pods: others.size, ...counted('others') },
    podsSeen: Object.keys(tally.seen).filter(present).length,
    inSync: [...enforcing, ...others].filter((uid) => proxies.inSync.has(uid)).length,
    ...(proxies.refusal !== null && { refusal: proxies.refusal.slice(0, 4_000) }),
  }
}
