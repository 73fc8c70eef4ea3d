import type { BreakerStanding, LaneStanding, SafetyStanding } from '../../../core/safety/standing.ts'
import type { StationState } from '../model/trail.ts'
import type { Wall } from '../model/wall.ts'
import { number, remaining } from '../model/words.ts'
import { useFetched } from './fetched.ts'
import { Mark, Simulated } from './mark.tsx'
import { Shown } from './shown.tsx'
import { Time } from './time.tsx'

/** What is used up of what may be done, and the circuit breaker. */
export function SafetyStandings ({ wall, now }: { wall: Wall, now: number }) {
  const standing = useFetched<SafetyStanding>('/safety', wall.versions.safety)
  return (
    <Shown fetched={standing} what="how safety stands">
      {({ actuation, enforced, simulated }) => (
        <>
          {actuation === 'off' && <p class="empty">Actuation is off: everything is decided and nothing is done. <code>ENABLE_ACTUATION=true</code> switches it on.</p>}
          <Lane lane={enforced} now={now} />
          {(simulated.actions.used > 0 || simulated.breaker.state !== 'closed') && <><h3 class="part">What is simulated <Simulated /></h3><Lane lane={simulated} now={now} /></>}
        </>
      )}
    </Shown>
  )
}

const MARK: Readonly<Record<BreakerStanding['state'], StationState>> = { closed: 'done', open: 'broken', 'half-open': 'waiting' }

function Lane ({ lane, now }: { lane: LaneStanding, now: number }) {
  const { breaker, failures, refusals, regrets, actions, rules, victims, sources, coolingDown } = lane
  return (
    <ul class="health">
      <li class={breaker.state === 'open' ? 'failed' : ''}>
        <Mark state={MARK[breaker.state]} /><h3>Circuit breaker</h3>
        <div>
          <p><State breaker={breaker} now={now} /></p>
          <p class="empty">It opens with {number(failures.opensAt)} failed actions or {number(refusals.opensAt)} cases beyond the rate within {minutes(failures.withinMs)}, or with {number(regrets.opensAt)} that were undone or did harm within {minutes(regrets.withinMs)}. Now {failures.counted}, {refusals.counted} and {regrets.counted} count.</p>
        </div>
      </li>
      <li class={actions.used >= actions.most ? 'failed' : ''}>
        <Mark state={actions.used >= actions.most ? 'broken' : 'done'} /><h3>This minute</h3>
        <div>
          <Used name="all rules together" used={actions.used} most={actions.most} />
          {coolingDown > 0 && <p class="empty">{number(coolingDown)} {coolingDown === 1 ? 'case cools' : 'cases cool'} down after an action.</p>}
        </div>
      </li>
      <Budgets title="By rule" of={rules} none="No rule acted in the last minute" />
      <Budgets title="By victim" of={victims} none="Nothing was done for a victim in the last minute" />
      <Budgets title="By source" of={sources} none="Nothing was done about a source in the last minute" />
    </ul>
  )
}

function State ({ breaker, now }: { breaker: BreakerStanding, now: number }) {
  switch (breaker.state) {
    case 'closed': return <><b>Closed</b>: actions pass.</>
    case 'open': return <><b>Open</b> for {remaining(Date.parse(breaker.until) - now)} more, until <Time at={breaker.until} />: nothing new is done. Then one trial is let through.</>
    case 'half-open': return breaker.trial === 'awaited'
      ? <><b>Half-open</b>: the next action is let through as the trial. Its success closes the circuit, its failure opens it for twice as long.</>
      : <><b>Half-open</b>: a trial is under way since <Time at={breaker.since} />. Without an outcome another is let through at <Time at={breaker.nextAt} />.</>
  }
}

const minutes = (ms: number): string => ms % 60_000 === 0 ? `${number(ms / 60_000)} min` : `${number(ms / 1000)} s`

function Budgets ({ title, of: { most, listed }, none }: { title: string, of: LaneStanding['rules'], none: string }) {
  const full = listed.some(({ used }) => used >= most)
  return (
    <li class={full ? 'failed' : ''}>
      <Mark state={full ? 'broken' : listed.length === 0 ? 'none' : 'done'} /><h3>{title}</h3>
      <div>{listed.length === 0 ? <p class="empty">{none}; each may have {number(most)} actions.</p> : listed.map(({ name, used }) => <Used key={name} name={name} used={used} most={most} />)}</div>
    </li>
  )
}

function Used ({ name, used, most }: { name: string, used: number, most: number }) {
  return (
    <p class="used">
      <span>{name}</span>
      <svg width="100" height="8" viewBox="0 0 100 8" aria-hidden="true"><rect class="whole" width="100" height="8" /><rect class={used >= most ? 'part over' : 'part'} width={most === 0 ? 100 : Math.min(100, 100 * used / most)} height="8" /></svg>
      <span>{number(used)} of {number(most)}</span>
    </p>
  )
}
