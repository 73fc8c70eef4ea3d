import { useState } from 'preact/hooks'
import { CLASSES } from '../../../core/classes.ts'
import type { ExceptionSpec } from '../../../core/exception/exception.ts'
import { readWhom, WHOM_FORMS } from '../../../core/exception/whom.ts'
import type { ModelStanding } from '../../../core/model/standing.ts'
import { SEVERITIES, type Severity } from '../../../core/policy/rule.ts'
import { call, Refusal } from '../model/live.ts'
import { HOUR_MS, LASTS, touchedBy } from '../model/exceptions.ts'
import { deed } from '../model/sentence.ts'
import type { Wall } from '../model/wall.ts'
import { classWords, few, restriction, subjectName } from '../model/words.ts'
import { Ask } from './ask.tsx'
import { useFetched } from './fetched.ts'

/** What the form begins with. */
export interface Start { readonly name?: string, readonly source?: string, readonly target?: string, readonly classes?: readonly string[] }

const said = (fields: FormData, name: string): string => String(fields.get(name) ?? '').trim()

function whom (text: string, end: string): Pick<ExceptionSpec, 'source'>['source'] {
  if (text === '') return undefined
  const read = readWhom(text)
  if (read === null) throw new Refusal(`“${text}” under “${end}” names nobody: write ${WHOM_FORMS}.`)
  return read
}

/** The spec as the form has it, without who and why. Throws Refusal. */
function specOf (fields: FormData, now: number): Omit<ExceptionSpec, 'by' | 'reason'> {
  const [source, target] = [whom(said(fields, 'source'), 'Attacks by'), whom(said(fields, 'target'), 'Attacks on')]
  if (source === undefined && target === undefined) throw new Refusal('Say whose attacks, or attacks on whom.')
  const classes = fields.getAll('class').map(String)
  if (classes.length === 0) throw new Refusal('Choose at least one kind of attack.')
  return {
    ...(source !== undefined && { source }),
    ...(target !== undefined && { target }),
    classes,
    upToSeverity: said(fields, 'severity') as Severity, // one of the options
    until: new Date(now + Number(said(fields, 'hours')) * HOUR_MS).toISOString(),
  }
}

/** A form that makes an exception, and says beforehand what that touches. */
export function AddException ({ wall, now, start, label }: { wall: Wall, now: number, start: Start, label: string }) {
  return (
    <Ask
      label={label} name={label} kind="except" title="Make an exception" keep="No exception" confirm="Make it" doing="Making it …"
      submit={async ({ reason, actor }, fields) => {
        const spec = { ...specOf(fields, now), reason }
        await call(`/exceptions/${encodeURIComponent(said(fields, 'name'))}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ spec, ...(actor !== undefined && { actor }) }) })
      }}
    >
      <Fields wall={wall} now={now} start={start} />
    </Ask>
  )
}

function Fields ({ wall, now, start }: { wall: Wall, now: number, start: Start }) {
  const [draft, setDraft] = useState<Omit<ExceptionSpec, 'by' | 'reason'> | null>(null)
  const models = useFetched<{ readonly standing: ModelStanding | null }>('/models', wall.versions.models)
  const known = models.state === 'there' ? models.value.standing?.classes ?? [] : []
  const classes = [...new Set([...CLASSES.slice(1), ...known, ...start.classes ?? []])]
  const look = (element: HTMLElement | null): void => {
    const form = element?.closest('form')
    if (form === null || form === undefined) return
    try {
      setDraft(specOf(new FormData(form), now))
    } catch {
      setDraft(null) // what is missing is said when the form is sent
    }
  }
  return (
    <div class="fields" ref={(element) => { if (draft === null && start.source !== undefined) look(element) }} onInput={(event) => look(event.currentTarget)}>
      <label>Attacks by<input name="source" autofocus={start.source === undefined} maxLength={253} defaultValue={start.source ?? ''} placeholder="shop/backup-0, shop/*, 10.1.0.0/16; empty: anybody" autocomplete="off" /></label>
      <label>Attacks on<input name="target" maxLength={253} defaultValue={start.target ?? ''} placeholder="shop/db-0, shop/app=db; empty: anybody" autocomplete="off" /></label>
      <fieldset>
        <legend>Of these kinds</legend>
        {classes.map((name) => <label key={name} class="check"><input type="checkbox" name="class" value={name} defaultChecked={start.classes?.includes(name) === true} /> {classWords(name).title}</label>)}
      </fieldset>
      <div class="pair">
        <label>Ends after<select name="hours" defaultValue="8">{LASTS.map(([hours, title]) => <option key={hours} value={hours}>{title}</option>)}</select></label>
        <label>For rules up to<select name="severity" defaultValue="high">{SEVERITIES.map((severity) => <option key={severity} value={severity}>{severity}</option>)}</select></label>
      </div>
      <label>Name of the exception<input name="name" required maxLength={63} pattern="[a-z0-9]([a-z0-9\-]*[a-z0-9])?" title="small letters, digits and dashes" defaultValue={start.name ?? ''} autocomplete="off" /></label>
      <div class="touches" role="status">{draft === null ? <p>Say who and what, and what it touches stands here.</p> : <Touches draft={draft} wall={wall} now={now} />}</div>
    </div>
  )
}

interface Rules { readonly rules: readonly { readonly name?: string, readonly severity?: Severity }[] }

function Touches ({ draft, wall, now }: { draft: Omit<ExceptionSpec, 'by' | 'reason'>, wall: Wall, now: number }) {
  const policy = useFetched<Rules>('/policy')
  const rules = policy.state === 'there' ? policy.value.rules : []
  const { restrictions, detections } = touchedBy({ ...draft, by: '', reason: '' }, wall, (rule) => rules.find(({ name }) => name === rule)?.severity, now)
  return (
    <>
      <p>{restrictions.length === 0 ? 'It ends no restriction that is in force.' : `It ends ${restrictions.length} restriction${restrictions.length === 1 ? '' : 's'} now: ${few(restrictions.map((each) => `${subjectName(each.spec)} ${restriction(each)}`))}.`}</p>
      <p>{detections.length === 0 ? 'No attack that goes on is covered.' : `It lets be what goes on: ${few(detections.map(deed))}.`}</p>
      {draft.upToSeverity !== 'critical' && <p>Rules above {draft.upToSeverity} are followed all the same.</p>}
    </>
  )
}
