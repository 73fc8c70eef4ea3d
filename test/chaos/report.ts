import type { Diary } from './diary.ts'
import { TARGETS } from './diary.ts'
import { INVARIANTS, type Invariant, type Violation } from './invariants.ts'
import { reignsOf } from './invariants/leaders.ts'
import { livesOf } from './invariants/lives.ts'
import { outagesOf } from './invariants/reach.ts'
import { leadersTrail } from './invariants/trail.ts'
import { type Succession, successionsOf } from './successions.ts'

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
const most = (list: readonly number[]): number => list.reduce((one, other) => Math.max(one, other), 0)
const middle = (list: readonly number[]): number => list.toSorted((one, other) => one - other)[Math.floor(list.length / 2)] ?? 0

/** How often a kill of the leader ended so, and for how long nobody led. */
function leaderless (diary: Diary, how: Succession['how'], words: string): string {
  const all = successionsOf(diary).filter((each) => each.how === how)
  const ms = all.map(({ leaderlessMs }) => leaderlessMs)
  return all.length === 0 ? `  0 x ${words}` : `  ${all.length} x ${words} (${counted(all.map(({ to }) => to))}): ${seconds(middle(ms))} at the middle, ${seconds(most(ms))} at most`
}

const counted = (names: readonly string[]): string => [...Map.groupBy(names, (name) => name)].map(([name, all]) => `${name} ${all.length}`).toSorted().join(', ')

/** What a run has shown, for people. */
export function reportOf (diary: Diary, violations: readonly Violation[], leaseMs: number): string {
  const { kills, probes, orders, rests, innocent, seed, startedMs, endedMs } = diary
  const lives = livesOf(diary)
  const friendly = probes.filter(({ source }) => innocent.includes(source))
  const outages = [...Map.groupBy(friendly, ({ victim }) => victim).values()].flatMap((tries) => outagesOf(tries))
  const apiAwayMs = diary.apiAway.reduce((ms, { fromMs, untilMs }) => ms + Math.min(untilMs, endedMs) - fromMs, 0)
  const taken = leadersTrail(diary).filter(({ action }) => action === 'leadership.taken')
  const byTarget = TARGETS.map((target) => `${target} ${kills.filter((kill) => kill.target === target).length}`).join(', ')
  const denied = probes.filter(({ source, got }) => !innocent.includes(source) && got !== 'served').length
  return [
    `seed ${seed}: ${kills.length} kills in ${seconds(endedMs - startedMs)}`,
    `by target: ${byTarget}`,
    `after a write: ${kills.filter(({ aim }) => aim !== 'any').length} of them`,
    `leaders: ${taken.length} took the lead, ${reignsOf(diary).length} reigns, ${taken.filter(({ reason }) => reason === 'LeaseTakenLate').length} of them though something might be missing`,
    `leader killed, and nobody led for so long (a lease of ${seconds(leaseMs)}; less ${seconds(apiAwayMs)} in all in which the API server did not answer):`,
    leaderless(diary, 'takeover', 'the other one, in step, took over'),
    leaderless(diary, 'late', 'the other one, not in step yet, took over'),
    leaderless(diary, 'return', 'it came back and went on'),
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
