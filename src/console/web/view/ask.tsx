import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { Refusal } from '../model/live.ts'

const NAME_KEY = 'autoshield.name'

type State = { readonly step: 'closed' } | { readonly step: 'asking', readonly problem: string } | { readonly step: 'doing' }
const CLOSED: State = { step: 'closed' }
const ASKING: State = { step: 'asking', problem: '' }

/** Who says so, and why; `actor` is absent where nobody gave a name. */
export interface Said { readonly reason: string, readonly actor?: string }

export interface AskProps {
  /** On the button that opens it, and what it is called for those who do not see the page. */
  readonly label: string
  readonly name: string
  readonly kind: string
  readonly title: string
  readonly keep: string
  readonly confirm: string
  readonly doing: string
  /** Does it; what it throws is shown, and it can be tried again. */
  readonly submit: (said: Said, fields: FormData) => Promise<void>
  /** What it will touch. */
  readonly children: ComponentChildren
}

/** A button with one confirmation behind it, which says beforehand what it touches, and asks who and why. */
export function Ask ({ label, name, kind, title, keep, confirm, doing, submit, children }: AskProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  const [state, setState] = useState<State>(CLOSED)
  const isOpen = state.step !== 'closed'
  // After the form is there, so that its first field gets the focus.
  useLayoutEffect(() => { if (isOpen) dialog.current?.showModal() }, [isOpen])
  const send = async (event: SubmitEvent) => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget as HTMLFormElement)
    const [reason, actor] = [String(fields.get('reason')).trim(), String(fields.get('actor')).trim()]
    if (reason === '') return setState({ step: 'asking', problem: 'Say why in a few words; it is kept in the audit trail.' })
    localStorage.setItem(NAME_KEY, actor)
    setState({ step: 'doing' })
    try {
      await submit({ reason, ...(actor === '' ? {} : { actor }) }, fields)
      dialog.current?.close()
    } catch (error) {
      setState({ step: 'asking', problem: error instanceof Refusal ? error.message : String(error) })
    }
  }
  return (
    <>
      <button type="button" class={kind} onClick={() => setState(ASKING)} aria-haspopup="dialog" aria-label={name}>{label} …</button>
      <dialog ref={dialog} aria-labelledby={`${id}-title`} onClose={() => setState(CLOSED)}>
        {isOpen && <form onSubmit={(event) => send(event)}>
          <h2 id={`${id}-title`}>{title}</h2>
          {children}
          <label for={`${id}-reason`}>Why</label>
          <input id={`${id}-reason`} name="reason" required maxLength={500} autocomplete="off" autofocus />
          <label for={`${id}-actor`}>Your name</label>
          <input id={`${id}-actor`} name="actor" maxLength={64} pattern="[\w.@ \-]*" title="letters, digits, spaces and . @ - _" autocomplete="username" defaultValue={localStorage.getItem(NAME_KEY) ?? ''} />
          <p class="problem" role="alert">{state.step === 'asking' ? state.problem : ''}</p>
          <p class="buttons">
            <button type="button" onClick={() => dialog.current?.close()}>{keep}</button>
            <button type="submit" class="primary" disabled={state.step === 'doing'}>{state.step === 'doing' ? doing : confirm}</button>
          </p>
        </form>}
      </dialog>
    </>
  )
}
