import type { Diary } from './diary.ts'
import { TARGETS } from './diary.ts'
import { INVARIANTS, type Invariant, type Violation } from './invariants.ts'
import { reignsOf } from './invariants/leaders.ts'
import { livesOf } from './invariants/lives.ts'
import { outagesOf } from './invariants/reach.ts'
import { leadersTrail } from './invariants/trail.ts'

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
const most = (list: readonly number[]): number => list.reduce((one, other) => Math.max(one, other), 0)
const middle = (list: readonly number[]): number => list.toSorted((one, other) => one - other)[Math.floor(list.length / 2)] ?? 0

/** For how long nobody led after the leader was killed: until the next one has written down that it leads. Without those kills in whose wake the API server was killed as well. */
export function leaderless (diary: Diary): readonly number[] {
  const taken = leadersTrail(diary).filter(({ action }) => action === 'leadership.taken').map(({ at }) => Date.parse(at))
  const awayAt = diary.kills.filter(({ target }) => target === 'api-server' || target === 'etcd').map(({ atMs }) => atMs)
  return diary.kills.filter(({ target }) => target === 'leader').flatMap(({ atMs }) => {
    const next = taken.find((each) => each >= atMs)
    return next === undefined || awayAt.some((each) => each > atMs - AWAY_MS && each < next) ? [] : [next - atMs]
  })
}

/** How long a killed API server may be away. */
const AWAY_MS = 20_000

/** What a run has shown, for people. */
export function reportOf (diary: Diary, violations: readonly Violation[], leaseMs: number): string {
  const { kills, probes, orders, rests, innocent, seed, startedMs, endedMs } = diary
  const lives = livesOf(diary)
  const gaps = leaderless(diary)
  const friendly = probes.filter(({ source }) => innocent.includes(source))
  const outages = [...Map.groupBy(friendly, ({ victim }) => victim).values()].flatMap((tries) => outagesOf(tries))
  const taken = leadersTrail(diary).filter(({ action }) => action === 'leadership.taken')
  const byTarget = TARGETS.map((target) => `${target} ${kills.filter((kill) => kill.target === target).length}`).join(', ')
  const denied = probes.filter(({ source, got }) => !innocent.includes(source) && got !== 'served').length
  return [
    `seed ${seed}: ${kills.length} kills in ${seconds(endedMs - startedMs)}`,
    `by target: ${byTarget}`,
    `after a write: ${kills.filter(({ aim }) => aim !== 'any').length} of them`,
    `leaders: ${taken.length} took the lead, ${reignsOf(diary).length} reigns, ${taken.filter(({ reason }) => reason === 'LeaseTakenLate').length} of them though something might be missing`,
    `without a leader after a kill: ${seconds(middle(gaps))} at the middle, ${seconds(most(gaps))} at most (${gaps.length} kills; the lease is ${seconds(leaseMs)} long)`,
    `mitigations: ${lives.length} of ${new Set(lives.map(({ of }) => of)).size} cases; trail: ${leadersTrail(diary).length} entries; orders acknowledged: ${orders.length}`,
    `connections: ${friendly.length} of the innocent, the longest outage ${seconds(most(outages.map(({ ms }) => ms)))}; ${denied} of attackers did not get through`,
    `policies judged: ${diary.judged.length} times; rests: ${rests.length}`,
    `violations: ${violations.length}`,
    ...(Object.keys(INVARIANTS) as Invariant[]).map((invariant) => {
      const own = violations.filter((violation) => violation.invariant === invariant)
      return [`  ${own.length === 0 ? 'holds' : `${own.length} x BROKEN`}: ${invariant}: ${INVARIANTS[invariant].means}`, ...own.slice(0, 12).map(({ what }) => `    ${what}`)].join('\n')
    }),
  ].join('\n')
}
