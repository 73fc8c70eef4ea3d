import { useState } from 'preact/hooks'
import type { Baseline } from '../../../core/evidence/baseline-entry.ts'
import { call } from '../model/live.ts'
import { number } from '../model/words.ts'
import { Ask } from './ask.tsx'
import { usePages } from './fetched.ts'
import { ShownPages } from './shown.tsx'
import { Time } from './time.tsx'

const WORDS: Readonly<Record<Baseline['knownFor'], string>> = { use: 'using it', upload: 'sending bytes', sessions: 'beginning sessions', breadth: 'reaching ports' }

/** What workloads are known for, learnt or said by people, with what takes it back. */
export function Baselines () {
  const [edits, setEdits] = useState(0)
  const pages = usePages<Baseline>('/baselines?known=true', edits)
  return (
    <section aria-labelledby="baselines-title">
      <h3 id="baselines-title" class="part">What workloads are known for</h3>
      <p class="empty">It speaks against a detection. It is learnt in four different hours without suspicion, and forgotten after 14 days without it. What a person knows better: <code>autoshield baselines learn --help</code>.</p>
      <ShownPages pages={pages} what="baselines" older="Show more">
        {(items) => items.length === 0 ? <p class="empty">Nothing yet.</p> : <Rows items={items} forgot={() => setEdits(edits + 1)} />}
      </ShownPages>
    </section>
  )
}

function Rows ({ items, forgot }: { items: readonly Baseline[], forgot: () => void }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Baselines by source and target">
      <table class="precision">
        <thead><tr><th scope="col">Source</th><th scope="col">Target</th><th scope="col">Known for</th><th scope="col" class="num">Port</th><th scope="col" class="num">Step</th><th scope="col" class="num">Usual</th><th scope="col">Until</th><th scope="col">Said by</th><th scope="col">Take back</th></tr></thead>
        <tbody>{items.map((item) => <Row key={item.id} item={item} forgot={forgot} />)}</tbody>
      </table>
    </div>
  )
}

function Row ({ item: { source, target, knownFor, port, stepMs, amount, expires, taught }, forgot }: { item: Baseline, forgot: () => void }) {
  const [from, to] = [source ?? '*', target ?? '*']
  return (
    <tr>
      <td>{source ?? 'any'}</td><td>{target ?? 'any'}</td><td>{WORDS[knownFor]}</td><td class="num">{port ?? ''}</td><td class="num">{stepMs === null ? '' : `${stepMs / 1000} s`}</td><td class="num">{amount === null ? '' : number(Math.round(amount))}</td>
      <td><Time at={expires} /></td><td>{taught === null ? 'learnt' : `${taught.by}: ${taught.reason}`}</td>
      <td>
        <Ask
          label="Forget" name={`Forget what ${from} and ${to} are known for${port === null ? '' : ` at port ${port}`}`} kind="remove" title={`Forget ${from} > ${to}${port === null ? '' : `, port ${port}`}?`} keep="Keep it" confirm="Forget it" doing="Forgetting …"
          submit={async (said) => {
            await call('/baselines/forget', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ of: `${from}>${to}`, ...(port !== null && { port }), ...said }) })
            forgot()
          }}
        >
          <p class="touches">{port === null ? 'All that the two are known for together goes, at every port, and is learnt anew.' : 'What the two are known for at this port goes, and is learnt anew.'} Nothing that is restricted changes.</p>
        </Ask>
      </td>
    </tr>
  )
}
