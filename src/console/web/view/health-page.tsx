import type { Drift } from '../../../core/drift/drift.ts'
import type { LeadershipStanding } from '../../../core/leadership/standing.ts'
import { standingOf } from '../../../core/mitigation/proxy-standing.ts'
import type { FlowPage } from '../../../core/history/flow-page.ts'
import type { SafetyStanding } from '../../../core/safety/standing.ts'
import { errandsHref, protectedHref } from '../model/route.ts'
import type { StationState } from '../model/trail.ts'
import type { Wall } from '../model/wall.ts'
import { number } from '../model/words.ts'
import { DriftOf } from './drift.tsx'
import { useFetched, type Fetched } from './fetched.ts'
import { Mark } from './mark.tsx'
import { Time } from './time.tsx'

/** Whether AutoShield itself is well: the loop, who leads, what is watched, what carries restrictions, what is kept. */
export function HealthPage ({ wall, now }: { wall: Wall, now: number }) {
  const leads = useFetched<{ leadership: LeadershipStanding | null }>('/leadership', wall.versions.leadership)
  const safety = useFetched<SafetyStanding>('/safety', wall.versions.safety)
  const flows = useFetched<Pick<FlowPage, 'keptSince' | 'lost'>>('/flows?limit=1')
  const drifts = useFetched<{ items: readonly Drift[] }>('/drift')
  const failed = useFetched<{ items: readonly unknown[], next: string | null }>('/errands?phase=failed&limit=100', wall.versions.errands)
  return (
    <article>
      <h2>Health</h2>
      <ul class="health">
        <Loop wall={wall} />
        <Circuit safety={safety} />
        {leads.state === 'there' ? <Leads leadership={leads.value.leadership} /> : <Line state={leads.state === 'asking' ? 'waiting' : 'broken'} title="Leadership">{leads.state === 'asking' ? 'Asking …' : leads.problem}</Line>}
        <Watched wall={wall} />
        <Proxies wall={wall} now={now} />
        <Errands failed={failed} />
        <Flows flows={flows} />
        <Familiar drifts={drifts} />
      </ul>
    </article>
  )
}

function Line ({ state, title, children }: { state: StationState, title: string, children: preact.ComponentChildren }) {
  return <li class={state === 'broken' ? 'failed' : ''}><Mark state={state} size={20} /><h3>{title}</h3><div>{children}</div></li>
}

function Loop ({ wall: { ready, reasons, halt } }: { wall: Wall }) {
  return (
    <>
      <Line state={ready ? 'done' : 'broken'} title="The loop">{ready ? 'It sees, decides and acts.' : reasons.join(' ')}</Line>
      {halt !== null && <Line state="broken" title="Kill switch">Pulled by {halt.by} since <Time at={halt.at} />: {halt.reason}</Line>}
    </>
  )
}

/** Whether anything new may be done at all. */
function Circuit ({ safety }: { safety: Fetched<SafetyStanding> }) {
  if (safety.state !== 'there') return null
  const { actuation, enforced: { breaker, actions } } = safety.value
  const words = breaker.state === 'open' ? <>Open until <Time at={breaker.until} />: nothing new is done.</> : breaker.state === 'half-open' ? 'Half-open: one action is let through on trial.' : `Closed; ${number(actions.used)} of ${number(actions.most)} actions in the last minute.`
  return <Line state={breaker.state === 'open' ? 'broken' : breaker.state === 'half-open' ? 'waiting' : actuation === 'off' ? 'none' : 'done'} title="Circuit breaker"><p><a href={protectedHref('')}>{words}</a></p>{actuation === 'off' && <p>Actuation is off: everything is decided and nothing is done.</p>}</Line>
}

/** A pod's name, without the id of its data. */
const podOf = (replica: string): string => replica.replace(/_[^_]*$/, '')

function Leads ({ leadership }: { leadership: LeadershipStanding | null }) {
  if (leadership === null) return <Line state="none" title="Leadership">This is the only controller; nobody takes over when it is gone.</Line>
  const { replica, since, term, missing, followers } = leadership
  const spare = followers.some(({ state }) => state === 'in-sync')
  return (
    <Line state={missing === 'unknown' ? 'broken' : spare ? 'done' : 'waiting'} title="Leadership">
      <p><b title={replica}>{podOf(replica)}</b> leads since <Time at={since} />, after {term === 1 ? '1 change' : `${term} changes`} of hands.</p>
      {missing === 'unknown' && <p class="problem">It took over without what the one before acknowledged last: look into the audit trail for what may be missing.</p>}
      {followers.length === 0 && <p>Nobody follows: when it goes, what it keeps is there again only when it is back.</p>}
      <ul>{followers.map((each) => <li key={each.replica}><Mark state={each.state === 'in-sync' ? 'done' : 'waiting'} size={12} /> <b title={each.replica}>{podOf(each.replica)}</b> {each.state === 'in-sync' ? 'has everything and may take over' : 'is catching up'}{each.behind > 0 && `, ${number(each.behind)} ${each.behind === 1 ? 'write' : 'writes'} behind`}</li>)}</ul>
    </Line>
  )
}

function Watched ({ wall: { pods, stats } }: { wall: Wall }) {
  const unobserved = pods.filter(({ observed }) => observed === false).length
  if (stats === null) return <Line state="waiting" title="Watching">No traffic has been seen yet.</Line>
  const lost = stats.dropped > 0
  const forging = Object.entries(stats.forging).sort(([, one], [, other]) => other - one).slice(0, 3)
  const nameOf = (uid: string): string => {
    const pod = pods.find((each) => each.uid === uid)
    return pod === undefined ? uid : `${pod.namespace}/${pod.name}`
  }
  const refused = Object.values(stats.refused).reduce((sum, count) => sum + count, 0)
  return (
    <Line state={lost ? 'broken' : 'done'} title="Watching">
      <p>{number(stats.observers)} observer{stats.observers === 1 ? '' : 's'} {stats.observers === 1 ? 'reports' : 'report'} of {number(pods.length - unobserved)} pods{unobserved > 0 && `; ${number(unobserved)} ${unobserved === 1 ? 'pod has' : 'pods have'} none`}.</p>
      <p class={lost ? 'problem' : ''}>{lost ? `${number(stats.dropped)} things were dropped for want of room since the detector started.` : 'Nothing was dropped.'}</p>
      {stats.forgedSent > 0 && <p class="problem">{number(stats.forgedSent)} packets left pods under addresses that are not theirs{forging.length > 0 && `; within the last minute ${forging.map(([uid, packets]) => `${number(packets)} from ${nameOf(uid)}`).join(', ')}`}.</p>}
      {refused > 0 && <p class="problem">{number(refused)} streams and calls were refused: {Object.entries(stats.refused).map(([reason, count]) => `${number(count)} ${reason}`).join(', ')}.</p>}
      {stats.malformed > 0 && <p>{number(stats.malformed)} packets could not be understood.</p>}
    </Line>
  )
}

/** A proxy that is away matters where it was to enforce something; pods of a recording have none. */
function Proxies ({ wall: { proxies, mitigations }, now }: { wall: Wall, now: number }) {
  const all = [...proxies.values()]
  const isMissed = (names: readonly string[]): boolean => names.some((name) => mitigations.get(name)?.status.simulated === false)
  const bad = all.filter((proxy) => {
    const standing = standingOf(proxy, now)
    return standing === 'away' ? isMissed(proxy.mitigations) : standing === 'rejected' || standing === 'silent'
  }).length
  const connected = all.filter((proxy) => proxy.connected).length
  if (bad > 0) return <Line state="broken" title="Proxies"><a href="#/proxies">{number(bad)} of {number(all.length)}</a>: refused what it was sent, does not answer or is away.</Line>
  if (connected === 0) return <Line state="none" title="Proxies">None is connected; restrictions are carried by NetworkPolicies, where a cluster has them.</Line>
  return <Line state="done" title="Proxies">{connected === 1 ? 'The one proxy is' : `All ${number(connected)} are`} in touch and in order.</Line>
}

function Errands ({ failed }: { failed: Fetched<{ items: readonly unknown[], next: string | null }> }) {
  if (failed.state !== 'there') return null
  const { items, next } = failed.value
  return <Line state={items.length > 0 ? 'broken' : 'done'} title="Messages and evictions">{items.length === 0 ? 'None was given up.' : <><a href={errandsHref('failed')}>{items.length}{next === null ? '' : ' or more'} given up</a>, for {items.length === 1 ? 'it' : 'they'} could not be done in time.</>}</Line>
}

function Flows ({ flows }: { flows: Fetched<Pick<FlowPage, 'keptSince' | 'lost'>> }) {
  if (flows.state !== 'there') return null
  const { keptSince, lost } = flows.value
  const gone = lost.room + lost.late + lost.ends
  return (
    <Line state={keptSince === null ? 'waiting' : 'done'} title="Recorded flows">
      {keptSince === null ? 'None is kept yet; they come with the first whole minutes.' : <>Kept since <Time at={keptSince} />.</>}
      {gone > 0 && <p>{number(gone)} were left out: {number(lost.room)} for want of room, {number(lost.late)} told too late, {number(lost.ends)} with ends that there was no room for.</p>}
    </Line>
  )
}

function Familiar ({ drifts }: { drifts: Fetched<{ items: readonly Drift[] }> }) {
  if (drifts.state !== 'there') return null
  const { items } = drifts.value
  if (items.length === 0) return <Line state="none" title="Familiar traffic">Nothing live has been seen yet that could be held beside what the model was trained on.</Line>
  const strange = items.filter(({ standing }) => standing === 'unfamiliar').length
  return (
    <Line state={strange > 0 ? 'broken' : items.some(({ standing }) => standing === 'familiar') ? 'done' : 'waiting'} title="Familiar traffic">
      {items.toSorted((one, other) => other.unknown - one.unknown).map((drift) => <DriftOf key={drift.namespace} drift={drift} />)}
    </Line>
  )
}
