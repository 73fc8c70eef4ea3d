import { useId, useRef, useState } from 'preact/hooks'
import type { Mitigation } from '../../../core/mitigation/mitigation.ts'
import { postJson, Refusal } from '../model/live.ts'
import { restriction, subjectName, victimNames } from '../model/words.ts'
import { Simulated } from './mark.tsx'
import { useTargetName } from './pod-names.ts'

const NAME_KEY = 'autoshield.name'

type State = { readonly step: 'asking', readonly problem: string } | { readonly step: 'undoing' } | { readonly step: 'done' }
const ASKING: State = { step: 'asking', problem: '' }

/** Undo of one mitigation: one confirmation that says beforehand what it touches, and asks who and why. */
export function Undo ({ mitigation }: { mitigation: Mitigation }) {
  const { name } = mitigation.metadata
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  const [state, setState] = useState<State>(ASKING)
  const open = () => {
    setState(ASKING)
    dialog.current?.showModal()
  }
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget as HTMLFormElement)
    const [reason, actor] = [String(fields.get('reason')).trim(), String(fields.get('actor')).trim()]
    if (reason === '') return setState({ step: 'asking', problem: 'Say why in a few words; it is kept in the audit trail.' })
    localStorage.setItem(NAME_KEY, actor)
    setState({ step: 'undoing' })
    try {
      await postJson(`/mitigations/${encodeURIComponent(name)}/revert`, { reason, ...(actor === '' ? {} : { actor }) })
      setState({ step: 'done' })
      dialog.current?.close()
    } catch (error) {
      setState({ step: 'asking', problem: error instanceof Refusal ? error.message : String(error) })
    }
  }
  return (
    <>
      <button type="button" class="undo" onClick={open} aria-haspopup="dialog" aria-label={`Undo: ${subjectName(mitigation.spec.subject)} ${restriction(mitigation)}`}>Undo …</button>
      <dialog ref={dialog} aria-labelledby={`${id}-title`}>
        <form onSubmit={(event) => submit(event)}>
          <h2 id={`${id}-title`}>Undo this restriction?</h2>
          <p><b>{subjectName(mitigation.spec.subject)}</b> {mitigation.status.simulated ? 'would be' : 'is'} {restriction(mitigation)}. {mitigation.status.simulated && <Simulated />}</p>
          <p>{mitigation.status.undo}</p>
          <Touched mitigation={mitigation} />
          <label for={`${id}-reason`}>Why</label>
          <input id={`${id}-reason`} name="reason" required maxLength={500} autocomplete="off" autofocus />
          <label for={`${id}-actor`}>Your name</label>
          <input id={`${id}-actor`} name="actor" maxLength={64} pattern="[\w.@ \-]*" title="letters, digits, spaces and . @ - _" autocomplete="username" defaultValue={localStorage.getItem(NAME_KEY) ?? ''} />
          <p class="problem" role="alert">{state.step === 'asking' ? state.problem : ''}</p>
          <p class="buttons">
            <button type="button" onClick={() => dialog.current?.close()}>Keep it</button>
            <button type="submit" class="primary" disabled={state.step === 'undoing'}>{state.step === 'undoing' ? 'Undoing …' : 'Undo restriction'}</button>
          </p>
        </form>
      </dialog>
    </>
  )
}

function Touched ({ mitigation }: { mitigation: Mitigation }) {
  const { targets } = mitigation.status
  const targetName = useTargetName()
  if (targets.length === 0) return <p class="touches">It touches nothing that is enforced; the record is closed.</p>
  return (
    <div class="touches">
      <p>It touches {targets.length} object{targets.length === 1 ? '' : 's'} in front of {victimNames(mitigation) || 'the pod itself'}:</p>
      <ul>{targets.map(({ target, state }) => <li key={target}>{targetName(target)} ({state})</li>)}</ul>
    </div>
  )
}
