import { useEffect, useState } from 'preact/hooks'
import type { AuditEntry } from '../../../ports.ts'
import { call, Refusal, type Page } from '../model/live.ts'
import { auditHref } from '../model/route.ts'
import { Time } from './time.tsx'

/** Search in the audit trail. The text is in the address, so that a search can be linked to. */
export function AuditPage ({ text }: { text: string }) {
  const [pages, setPages] = useState<Page<AuditEntry>>({ items: [], next: null })
  const [state, setState] = useState<'asking' | 'there' | { problem: string }>('asking')
  const fetchPage = async (cursor: string | null) => {
    try {
      const query = new URLSearchParams({ limit: '100', ...(text === '' ? {} : { text }), ...(cursor === null ? {} : { cursor }) })
      const page = await call<Page<AuditEntry>>(`/audit?${query.toString()}`)
      setPages((before) => ({ items: cursor === null ? page.items : [...before.items, ...page.items], next: page.next }))
      setState('there')
    } catch (error) {
      setState({ problem: error instanceof Refusal ? error.message : String(error) })
    }
  }
  useEffect(() => { fetchPage(null) }, [text])
  const search = (event: SubmitEvent) => {
    event.preventDefault()
    location.hash = auditHref(String(new FormData(event.currentTarget as HTMLFormElement).get('text')).trim().slice(0, 200))
  }
  return (
    <article>
      <h2>Audit trail</h2>
      <form class="search" onSubmit={search} role="search">
        <label for="audit-text">Anywhere in an entry</label>
        <input id="audit-text" name="text" type="search" maxLength={200} defaultValue={text} placeholder="a pod, a person, a rule, an id" />
        <button type="submit">Search</button>
      </form>
      {typeof state === 'object' && <p class="problem" role="alert">{state.problem}</p>}
      {state === 'there' && pages.items.length === 0 && <p class="empty">{text === '' ? 'Nothing has been decided yet. Each decision, action and undo is written here.' : 'No entry matches. Search for less, or for an id.'}</p>}
      {pages.items.length > 0 && <Entries entries={pages.items} />}
      {pages.next !== null && <p><button type="button" onClick={() => fetchPage(pages.next)}>Older entries</button></p>}
      <p class="empty">The chain of hashes is checked by <code>npx autoshield audit verify</code>.</p>
    </article>
  )
}

const SHORT = 90

/** All of a short detail; of a long one its beginning, and the rest when asked for. */
function Detail ({ detail }: { detail: AuditEntry['detail'] }) {
  const text = JSON.stringify(detail)
  if (text.length <= SHORT) return <code>{text}</code>
  return <details><summary><code>{text.slice(0, SHORT)}…</code></summary><pre tabIndex={0}>{JSON.stringify(detail, null, 2)}</pre></details>
}

function Entries ({ entries }: { entries: readonly AuditEntry[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Audit entries">
      <table class="audit">
        <thead><tr><th scope="col" class="num">#</th><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">Object</th><th scope="col">Reason</th><th scope="col">Detail</th></tr></thead>
        <tbody>
          {entries.map(({ sequence, at, actor, action, object, reason, detail, hash }) => (
            <tr key={sequence}>
              <td class="num" title={`sha256 ${hash}`}>{sequence}</td><td><Time at={at} /></td><td>{actor}</td><td>{action}</td><td><code>{object}</code></td><td>{reason}</td>
              <td class="detail"><Detail detail={detail} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
