import type { Detection } from '../../../core/verdict/detection.ts'
import { useState } from 'preact/hooks'
import { detectionsHref } from '../model/route.ts'
import { KEPT, type Wall } from '../model/wall.ts'
import { number } from '../model/words.ts'
import { DetectionRows } from './detection-rows.tsx'
import { PrecisionTable } from './precision.tsx'

const PHASES = [['', 'All'], ['open', 'Open'], ['suspected', 'Suspected'], ['closed', 'Over']] as const
const ROWS = 100

/** Everything that was detected, as far as the page keeps it, and how often that was right. */
export function DetectionsPage ({ phase, wall }: { phase: string, wall: Wall }) {
  const [shown, setShown] = useState(ROWS)
  const known = PHASES.find(([name]) => name === phase)?.[0] ?? ''
  const all = [...wall.detections.values()].reverse()
  const wanted = all.filter((detection: Detection) => known === '' || detection.phase === known)
  return (
    <article>
      <h2>Detections</h2>
      <PrecisionTable wall={wall} />
      <h3 class="part">What was detected, newest first</h3>
      <nav class="filter" aria-label="Which">
        {PHASES.map(([name, title]) => <a key={name} href={detectionsHref(name)} aria-current={name === known ? 'true' : undefined}>{title}</a>)}
      </nav>
      {wanted.length === 0 && <p class="empty">{known === '' ? 'None yet. When a window scores above its class\'s threshold, its story appears here.' : 'None of these.'}</p>}
      <DetectionRows detections={wanted.slice(0, shown)} wall={wall} />
      {wanted.length > shown && <p><button type="button" onClick={() => setShown(shown + ROWS)}>Older ones</button> <span class="count">{number(shown)} of {number(wanted.length)} shown</span></p>}
      {all.length >= KEPT && <p class="more">Older than these: <a href="/api/v1/detections">/api/v1/detections</a>.</p>}
    </article>
  )
}
