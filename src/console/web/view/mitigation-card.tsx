import { useState } from 'preact/hooks'
import { REASONS } from '../../../core/reason.ts'
import { endOf } from '../../../core/mitigation/lifecycle.ts'
import type { Condition, Mitigation } from '../../../core/mitigation/mitigation.ts'
import type { Decision } from '../../../core/policy/decision.ts'
import { call, Refusal } from '../model/live.ts'
import { mitigationHref } from '../model/route.ts'
import type { StationState } from '../model/trail.ts'
import { openConnectionsWords, restriction, stillThrough, subjectName, towards } from '../model/words.ts'
import { Mark, Simulated } from './mark.tsx'
import { useTargetName } from './pod-names.ts'
import { Time } from './time.tsx'
import { TimeLeft } from './time-left.tsx'
import { Undo } from './undo.tsx'
import { Yaml } from './yaml.tsx'

const END_WORDS = { Expired: 'expired', SubjectGone: 'ended with its pod', Reverted: 'undone', RolledBack: 'rolled back', Excepted: 'ended by an exception', WitnessesDisagree: 'undone, for the source\'s own observer denies it' } as const

/** One mitigation whole: whom it restricts, how long, what each target answered, the objects behind it, and its undo. */
export function MitigationCard ({ mitigation, decisions, now }: { mitigation: Mitigation, decisions: readonly Decision[], now: number }) {
  const { metadata, spec, status } = mitigation
  const active = status.phase === 'active' && Date.parse(spec.expiresAt) > now
  const end = END_WORDS[endOf(mitigation) ?? 'Expired']
  const plans = decisions.filter((decision) => decision.mitigation === metadata.name).flatMap(({ plan }) => plan)
  return (
    <section class={`mitigation ${status.phase} ${status.simulated ? 'is-simulated' : ''}`} aria-labelledby={`mitigation-${metadata.name}`}>
      <h3 id={`mitigation-${metadata.name}`}>
        Mitigation <a href={mitigationHref(metadata.name)}><code>{metadata.name}</code></a> {status.simulated && <Simulated />}
        <span class="count">{!active ? end : status.simulated ? 'would be in force' : 'in force'}</span>
      </h3>
      <p class="told"><b>{subjectName(spec)}</b> {status.simulated ? 'would be' : active ? 'is' : 'was'} {restriction(mitigation)}{towards(mitigation)}.</p>
      <p class="why">{spec.reason}</p>
      {active
        ? <div class="act"><TimeLeft mitigation={mitigation} now={now} /><Undo mitigation={mitigation} /></div>
        : <p class="ended">{end} <Time at={status.endedAt ?? spec.expiresAt} /></p>}
      <Through mitigation={mitigation} />
      <Changes mitigation={mitigation} />
      <Conditions conditions={status.conditions} />
      <Targets mitigation={mitigation} />
      {plans.map(({ kind, yaml }, index) => <Yaml key={index} title={`${kind} ${status.simulated ? 'that it would apply' : 'that it applies'}`} text={yaml} />)}
      {status.targets.filter(({ target }) => target.startsWith('proxy/')).map(({ target }) => <Snapshot key={target} podUid={target.slice('proxy/'.length)} />)}
    </section>
  )
}

/** The proof that it does not hold: attempts that were seen to get through. */
function Through ({ mitigation }: { mitigation: Mitigation }) {
  const through = stillThrough(mitigation)
  return through === null ? null : <p class="through"><Mark state="broken" /><span><b>Some of it still gets through.</b> {through}</span></p>
}

/** What became of it since it was decided: another size, another end; or why it did not grow. */
function Changes ({ mitigation: { spec: { expiresAt }, status: { term, escalation } } }: { mitigation: Mitigation }) {
  if (term === undefined && escalation === undefined) return null
  return (
    <ul class="safety" aria-label="Changes">
      {escalation !== undefined && (
        <li class={escalation.outcome === 'held-back' ? 'failed' : ''}>
          <Mark state={escalation.outcome === 'held-back' ? 'broken' : 'done'} size={12} />
          <b title={REASONS[escalation.reason]}>{escalation.outcome === 'held-back' ? 'Not made larger' : 'Made larger'}</b><span>{escalation.message}</span><Time at={escalation.at} />
        </li>
      )}
      {term !== undefined && (
        <li>
          <Mark state="done" size={12} />
          <b title={REASONS[term.reason]}>{Date.parse(expiresAt) > Date.parse(term.formerEnd) ? 'Lasts longer' : 'Ends sooner'}</b><span>{term.message}</span><Time at={term.at} />
        </li>
      )}
    </ul>
  )
}

/** `Degraded` is bad when it is true, the others when they are not; what is only simulated is neither. */
function stateOf ({ type, status, reason }: Condition): StationState {
  if (status === 'Unknown') return 'waiting'
  if (type === 'Degraded') return status === 'True' ? 'broken' : 'none'
  return status === 'True' ? 'done' : reason === 'Simulated' ? 'simulated' : 'broken'
}

function Conditions ({ conditions }: { conditions: readonly Condition[] }) {
  return (
    <ul class="safety" aria-label="Conditions">
      {conditions.map((condition, index) => (
        <li key={condition.type} class={stateOf(condition) === 'broken' ? 'failed' : ''}>
          <Mark state={stateOf(condition)} size={12} />
          <b title={REASONS[condition.reason]}>{condition.type}</b><span>{index > 0 && conditions[index - 1]?.message === condition.message ? 'for that reason' : condition.message}</span><Time at={condition.lastTransitionTime} />
        </li>
      ))}
    </ul>
  )
}

function Targets ({ mitigation: { metadata, status } }: { mitigation: Mitigation }) {
  const targetName = useTargetName()
  if (status.targets.length === 0) return <p class="empty">No proxy and no policy object carries it.</p>
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`Targets of ${metadata.name}`}>
      <table class="targets">
        <thead><tr><th scope="col">Target</th><th scope="col">State</th><th scope="col">Version</th></tr></thead>
        <tbody>
          {status.targets.map(({ target, state, version, message, openConnections = [] }) => (
            <tr key={target} class={state}><td title={target}>{targetName(target)}{message !== '' && <p class={state === 'rejected' ? 'problem' : 'empty'}>{message}</p>}{openConnections.map((each, index) => <p key={index} class="empty">{openConnectionsWords(each)}</p>)}</td><td>{state}</td><td>{version === '' ? '–' : version}</td></tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** The xDS resources of one proxy, fetched when somebody wants to see them. */
export function Snapshot ({ podUid }: { podUid: string }) {
  const [text, setText] = useState('')
  const targetName = useTargetName()
  const load = async (event: Event) => {
    if (!(event.currentTarget as HTMLDetailsElement).open) return
    try {
      setText(JSON.stringify(await call(`/proxies/${encodeURIComponent(podUid)}/snapshot`), null, 2))
    } catch (error) {
      setText(error instanceof Refusal ? error.message : String(error))
    }
  }
  return (
    <details class="yaml" onToggle={(event) => load(event)}>
      <summary>xDS snapshot of the {targetName(`proxy/${podUid}`)}</summary>
      <pre tabIndex={0}>{text === '' ? 'Asking for it …' : text}</pre>
    </details>
  )
}
