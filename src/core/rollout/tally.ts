import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import type { Pod } from '../pod.ts'
import { FEATURES } from '../window/window.ts'
import type { Score } from '../verdict/score.ts'
import { parseSpiffeId } from '../identity.ts'
import type { Evidence, MeshPolicy } from './mesh-policy.ts'
import { enforcingPods, scopeOf } from './scope.ts'

const Counts = Type.Object({ attempts: Type.Number(), failed: Type.Number(), tried: Type.Number(), stopped: Type.Number() }, { additionalProperties: false })

/** What was counted in one step of a rollout. Plain JSON. */
export const Tally = Type.Object({
  /** `status.since` of the step. */
  since: Type.String(),
  enforcing: Counts,
  others: Counts,
  /** UIDs of pods at which legitimate connections were seen. */
  seen: Type.Array(Type.String(), { maxItems: 10_000 }),
}, { additionalProperties: false })
export type Tally = Static<typeof Tally>
export const parseTally = (value: unknown): Tally | null => Value.Check(Tally, value) ? value : null

/** A pod beyond it is taken as not seen, so that a rollout waits rather than goes on. */
const MAX_SEEN = 10_000

const NOTHING = { attempts: 0, failed: 0, tried: 0, stopped: 0 }
export const emptyTally = (since: string): Tally => ({ since, enforcing: NOTHING, others: NOTHING, seen: [] })

/** The pods of a policy that have a proxy, as they are now. */
export interface Members {
  readonly enforcing: ReadonlySet<string>
  readonly others: ReadonlySet<string>
}

export function membersOf ({ spec, status }: MeshPolicy, pods: readonly Pod[], proxied: ReadonlySet<string>): Members {
  const scope = scopeOf(spec.scope, pods, proxied)
  const enforcing = enforcingPods(scope, status.share)
  return { enforcing, others: new Set(scope.filter((uid) => !enforcing.has(uid))) }
}

/** Something that was seen at a pod. */
export type Seen = Partial<Static<typeof Counts>> & { readonly podUid: string }

/** The tally with it; the same object where the pod is none of the policy's. */
export function count (tally: Tally, { enforcing, others }: Members, { podUid, ...counts }: Seen): Tally {
  const group = enforcing.has(podUid) ? 'enforcing' : others.has(podUid) ? 'others' : null
  if (group === null) return tally
  const { attempts = 0, failed = 0, tried = 0, stopped = 0 } = counts
  const before = tally[group]
  const isNew = attempts > 0 && tally.seen.length < MAX_SEEN && !tally.seen.includes(podUid)
  return {
    ...tally,
    [group]: { attempts: before.attempts + attempts, failed: before.failed + failed, tried: before.tried + tried, stopped: before.stopped + stopped },
    seen: isNew ? [...tally.seen, podUid] : tally.seen,
  }
}

/** One step of the windows is counted: three would count each connection three times. */
const STEP_MS = 15_000
const [FLOWS, FAILED] = (['flow_count', 'failed_conn_ratio'] as const).map((name) => FEATURES.indexOf(name))

/**
 * Connections to a pod, as its own observer saw them: what a proxy in front of it refused is a failure there. null for
 * what says nothing: recordings, other keys and steps, and the account of the other end, which would count twice.
 */
export function seenOf ({ key, stepMs, reporter, simulated, window }: Score, podAt: (address: string) => Pick<Pod, 'uid'> | null): (Seen & { readonly source: string }) | null {
  if (simulated || stepMs !== STEP_MS || key.kind !== 'pair') return null
  const podUid = podAt(key.destination)?.uid
  if (podUid === undefined || parseSpiffeId(reporter)?.uid !== podUid) return null
  const feature = (index: number | undefined): number => window.features[index ?? -1] ?? 0
  const attempts = feature(FLOWS)
  return { podUid, source: key.source, attempts, failed: Math.round(attempts * feature(FAILED)) }
}

/** What the tally says, beside what the proxies say now. */
export function evidenceOf (tally: Tally, { enforcing, others }: Members, proxies: { readonly inSync: ReadonlySet<string>, readonly refusal: string | null }): Evidence {
  const present = (uid: string): boolean => enforcing.has(uid) || others.has(uid)
  return {
    enforcing: { pods: enforcing.size, ...tally.enforcing },
    others: { pods: others.size, ...tally.others },
    podsSeen: tally.seen.filter(present).length,
    inSync: [...enforcing, ...others].filter((uid) => proxies.inSync.has(uid)).length,
    ...(proxies.refusal !== null && { refusal: proxies.refusal.slice(0, 4_000) }),
  }
}
