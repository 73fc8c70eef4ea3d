import type { Exception, ExceptionSpec } from '../../../core/exception/exception.ts'
import { call } from '../model/live.ts'
import { exceptionStanding, exceptionWords, type ExceptionStanding } from '../model/exceptions.ts'
import type { StationState } from '../model/trail.ts'
import type { Wall } from '../model/wall.ts'
import { roughly } from '../model/words.ts'
import { Ask } from './ask.tsx'
import { AddException } from './add-exception.tsx'
import { usePages } from './fetched.ts'
import { Mark } from './mark.tsx'
import { ShownPages } from './shown.tsx'
import { Time } from './time.tsx'

const MARK: Readonly<Record<ExceptionStanding['state'], StationState>> = { holds: 'done', 'ends-soon': 'waiting', ended: 'none', refused: 'broken', unread: 'waiting' }
const RANK: Readonly<Record<ExceptionStanding['state'], number>> = { refused: 0, 'ends-soon': 1, unread: 2, holds: 3, ended: 4 }

/** What is let be for a while: whose attacks of which kind, until when, why and by whom. */
export function ExceptionsPage ({ wall, now }: { wall: Wall, now: number }) {
  const pages = usePages<Exception>('/exceptions', wall.versions.exceptions)
  return (
    <article>
      <h2>Exceptions</h2>
      <p class="empty">Attacks that are let be, each until a time and for a reason. Another kind of attack, or a graver rule, is followed all the same.</p>
      <p class="buttons"><AddException wall={wall} now={now} start={{}} label="Make an exception" /></p>
      <ShownPages pages={pages} what="exceptions" older="Show more">
        {(items) => items.length === 0 ? <p class="empty">None. Everything that a rule names is followed.</p> : <List items={items} now={now} />}
      </ShownPages>
    </article>
  )
}

function List ({ items, now }: { items: readonly Exception[], now: number }) {
  const told = items.map((exception) => ({ exception, standing: exceptionStanding(exception, now) }))
  const until = ({ standing }: (typeof told)[number]): string => 'spec' in standing ? standing.spec.until : ''
  return (
    <ul class="rules">
      {told.toSorted((one, other) => RANK[one.standing.state] - RANK[other.standing.state] || (until(one) < until(other) ? -1 : 1))
        .map(({ exception, standing }) => <Row key={exception.metadata.name} exception={exception} standing={standing} now={now} />)}
    </ul>
  )
}

function words (standing: ExceptionStanding, now: number): string {
  switch (standing.state) {
    case 'holds': case 'ends-soon': return `ends in ${roughly(Date.parse(standing.spec.until) - now)}`
    case 'ended': return 'ended'
    case 'refused': return 'covers nothing: it cannot be understood'
    case 'unread': return 'not looked at yet'
  }
}

/** Of the gravest rules none is graver. */
const graver = ({ upToSeverity }: ExceptionSpec): string => upToSeverity === 'critical' ? '' : `Rules above ${upToSeverity} are followed all the same.`

function Row ({ exception: { metadata: { name }, spec, status }, standing, now }: { exception: Exception, standing: ExceptionStanding, now: number }) {
  return (
    <li class={standing.state === 'refused' ? 'hold' : ''}>
      <p class="verdict"><Mark state={MARK[standing.state]} /><b>{name}</b><span class={standing.state === 'ends-soon' ? 'soon' : ''}>{words(standing, now)}</span>{'spec' in standing && <Time at={standing.spec.until} />}</p>
      {standing.state === 'refused' && <p class="problem">{standing.why}</p>}
      {'spec' in standing
        ? <><p>{exceptionWords(standing.spec)}. <span class="empty">{graver(standing.spec)}</span></p><p class="why">Why: {standing.spec.reason} <span class="by">Asked for by {standing.spec.by}.</span></p></>
        : <details class="yaml"><summary>As it was written</summary><pre tabIndex={0}>{JSON.stringify(spec, null, 2)}</pre></details>}
      <div class="act">
        <span class="empty">Held back {status?.covered ?? 0} decision{status?.covered === 1 ? '' : 's'}{status?.lastCovered === undefined ? '' : <>, the last <Time at={status.lastCovered} /></>}.</span>
        <Remove name={name} standing={standing} />
      </div>
    </li>
  )
}

function Remove ({ name, standing }: { name: string, standing: ExceptionStanding }) {
  return (
    <Ask
      label="Remove" name={`Remove exception ${name}`} kind="remove" title={`Remove exception ${name}?`} keep="Keep it" confirm="Remove it" doing="Removing …"
      submit={async (said) => { await call(`/exceptions/${encodeURIComponent(name)}?${new URLSearchParams({ ...said }).toString()}`, { method: 'DELETE' }) }}
    >
      {'spec' in standing && <p>{exceptionWords(standing.spec)}.</p>}
      <p class="touches">{standing.state === 'holds' || standing.state === 'ends-soon' ? 'Attacks that it covers and that go on are decided anew, and may be restricted at once.' : 'It covers nothing now, so nothing changes but the list.'}</p>
    </Ask>
  )
}
