import { readLease } from '../../src/adapters/kubernetes/stored-lease.ts'
import { readObject } from '../../src/core/kubernetes/read-object.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import type { LeaseRecord } from '../../src/core/leadership/lease.ts'
import type { ApiWrite, Diary, Span } from './diary.ts'
import { AGAIN_MS } from './member.ts'

/**
 * What followed on a kill of the leader:
 * - `takeover`: the other one, which had all that was acknowledged, took the lease;
 * - `late`: the other one took it, which had not caught up when the leader died;
 * - `return`: the one that was killed came back before anybody took its lease, and goes on in its term.
 */
export interface Succession {
  readonly how: 'takeover' | 'late' | 'return'
  readonly from: string
  readonly to: string
  /** From the kill to the write of the lease by whoever leads next, less the time in which the API server did not answer. */
  readonly leaderlessMs: number
}

/** Those after each kill of the leader that somebody followed on before the next one was killed. */
export function successionsOf (diary: Pick<Diary, 'kills' | 'writes' | 'apiAway'>): readonly Succession[] {
  const leases = diary.writes.filter(({ resource }) => resource === 'leases')
  return diary.kills.flatMap(({ target, name, atMs }, at) => {
    if (target !== 'leader') return []
    const untilMs = diary.kills.slice(at + 1).find((kill) => kill.target === 'leader')?.atMs ?? Infinity
    // A write of the dead that was under way is not the next one's; it is not started again so soon.
    const next = leases.find(({ pod, receivedMs }) => receivedMs >= (pod === name ? atMs + AGAIN_MS : atMs) && receivedMs < untilMs)
    if (next === undefined) return []
    const before = leases.findLast(({ receivedMs }) => receivedMs < atMs)
    const how = next.pod === name ? 'return' : before !== undefined && leaseOf(before).inSync.includes(leaseOf(next).holder ?? '') ? 'takeover' : 'late'
    return [{ how, from: name, to: next.pod, leaderlessMs: lasting({ fromMs: atMs, untilMs: next.answeredMs }, diary.apiAway) }]
  })
}

const leaseOf = ({ object }: ApiWrite): LeaseRecord => readLease(readObject(object, RESOURCES.leases))

/** How much of a span lies outside of all the others; they do not overlap each other. */
const lasting = ({ fromMs, untilMs }: Span, others: readonly Span[]): number =>
  others.reduce((ms, other) => ms - Math.max(0, Math.min(untilMs, other.untilMs) - Math.max(fromMs, other.fromMs)), untilMs - fromMs)
