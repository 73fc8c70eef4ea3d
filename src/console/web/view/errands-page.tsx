import type { Errand } from '../../../core/errand/errand.ts'
import { REASONS } from '../../../core/reason.ts'
import { postJson } from '../model/live.ts'
import { detectionHref, errandsHref } from '../model/route.ts'
import type { StationState } from '../model/trail.ts'
import type { Wall } from '../model/wall.ts'
import { remaining } from '../model/words.ts'
import { Ask } from './ask.tsx'
import { Evidence } from './evidence.tsx'
import { usePages } from './fetched.ts'
import { Mark } from './mark.tsx'
import { ShownPages } from './shown.tsx'
import { Time } from './time.tsx'

type Phase = Errand['state']['phase']

const PHASES = [['', 'All'], ['waiting', 'Waiting'], ['failed', 'Not done'], ['done', 'Done'], ['cancelled', 'Cancelled']] as const
const MARK: Readonly<Record<Phase, StationState>> = { waiting: 'waiting', done: 'done', failed: 'broken', cancelled: 'none' }
const WORDS: Readonly<Record<Phase, string>> = { waiting: 'waits', done: 'done', failed: 'given up', cancelled: 'cancelled' }

/** What is done once: messages and evictions, with what came of each attempt. */
export function ErrandsPage ({ phase, wall, now }: { phase: string, wall: Wall, now: number }) {
  const known = PHASES.find(([name]) => name === phase)?.[0] ?? ''
  const pages = usePages<Errand>(`/errands${known === '' ? '' : `?phase=${known}`}`, wall.versions.errands)
  return (
    <article>
      <h2>Messages and evictions</h2>
      <p class="empty">What is done once. Each is tried again until it is done or its time is over.</p>
      <nav class="filter" aria-label="Which">
        {PHASES.map(([name, title]) => <a key={name} href={errandsHref(name)} aria-current={name === known ? 'true' : undefined}>{title}</a>)}
      </nav>
      <ShownPages pages={pages} what="messages and evictions" older="Older ones">
        {(items) => items.length === 0
          ? <p class="empty">{known === '' ? 'None yet. Rules with the actions alert_only, custom_webhook and pod_termination make them.' : 'None of these.'}</p>
          : <ul class="rules">{items.map((errand) => <Row key={errand.id} errand={errand} now={now} />)}</ul>}
      </ShownPages>
    </article>
  )
}

/** What it is about: `eviction of pod shop/web-7`. */
export function errandWords ({ task }: Pick<Errand, 'task'>): string {
  switch (task.type) {
    case 'alert': return `alert to channel ${task.channel}`
    case 'webhook': return `message to ${URL.parse(task.url)?.host ?? task.url}`
    case 'eviction': return `eviction of pod ${task.pod.namespace}/${task.pod.name}`
  }
}

function Row ({ errand, now }: { errand: Errand, now: number }) {
  const { id, task, state, attempts, message, reason, detection, createdAt, deadline } = errand
  return (
    <li class={state.phase === 'failed' ? 'hold' : ''}>
      <p class="verdict"><Mark state={MARK[state.phase]} /><b>{errandWords(errand)}</b><span>{WORDS[state.phase]}, {attempts === 1 ? '1 attempt' : `${attempts} attempts`}</span><Time at={createdAt} /></p>
      <p class={state.phase === 'failed' ? 'problem' : ''}>{message} <span class="code" title={REASONS[reason]}>{reason}</span></p>
      {state.phase === 'waiting' && <div class="act"><span>{Date.parse(state.nextAt) > now ? <>Next try in {remaining(Date.parse(state.nextAt) - now)}</> : 'Is tried now'}; given up <Time at={deadline} />.</span><Cancel errand={errand} /></div>}
      {task.type === 'eviction' && task.evidence !== undefined && <Evidence errand={id} />}
      <p><a href={detectionHref(detection)}>The detection behind it</a></p>
    </li>
  )
}

function Cancel ({ errand }: { errand: Errand }) {
  const what = errandWords(errand)
  return (
    <Ask
      label="Cancel" name={`Cancel: ${what}`} kind="cancel" title="Give this up?" keep="Let it go on" confirm="Cancel it" doing="Cancelling …"
      submit={async (said) => { await postJson(`/errands/${encodeURIComponent(errand.id)}/cancel`, said) }}
    >
      <p>The <b>{what}</b> is not tried any more. What was sent or done already stays so.</p>
    </Ask>
  )
}
