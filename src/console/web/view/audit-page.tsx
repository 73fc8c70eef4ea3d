import type { AuditEntry } from '../../../ports/audit.ts'
import { auditHref } from '../model/route.ts'
import { usePages } from './fetched.ts'
import { Search } from './search.tsx'
import { ShownPages } from './shown.tsx'
import { Time } from './time.tsx'

/** Search in the audit trail. */
export function AuditPage ({ text }: { text: string }) {
  const pages = usePages<AuditEntry>(`/audit${text === '' ? '' : `?${new URLSearchParams({ text }).toString()}`}`)
  return (
    <article>
      <h2>Audit trail</h2>
      <Search text={text} label="Anywhere in an entry" example="a pod, a person, a rule, an id" href={auditHref} />
      <ShownPages pages={pages} what="the entries" older="Older entries">
        {(items) => items.length === 0
          ? <p class="empty">{text === '' ? 'Nothing has been decided yet. Each decision, action and undo is written here.' : 'No entry matches. Search for less, or for an id.'}</p>
          : <Entries entries={items} />}
      </ShownPages>
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
