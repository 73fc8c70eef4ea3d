import type { ComponentChildren } from 'preact'
import type { Fetched, Pages } from './fetched.ts'
import type { Page } from '../model/live.ts'

/** What was fetched, or that it is on its way, or why it is not there. */
export function Shown<T> ({ fetched, what, children }: { fetched: Fetched<T>, what: string, children: (value: T) => ComponentChildren }) {
  switch (fetched.state) {
    case 'asking': return <p class="empty">Asking for {what} …</p>
    case 'refused': return <p class="problem" role="alert">{fetched.problem}</p>
    case 'there': return <>{children(fetched.value)}</>
  }
}

/** A long list, a part at a time. */
export function ShownPages<T> ({ pages: { fetched, more }, what, older, children }: { pages: Pages<T>, what: string, older: string, children: (items: readonly T[]) => ComponentChildren }) {
  return (
    <Shown fetched={fetched} what={what}>
      {({ items, next }: Page<T>) => <>{children(items)}{next !== null && <p><button type="button" onClick={more}>{older}</button> <span class="count">{items.length} shown</span></p>}</>}
    </Shown>
  )
}
