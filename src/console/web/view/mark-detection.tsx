import type { MarkSaid, MarkVerdict } from '../../../core/feedback/mark.ts'
import type { Detection } from '../../../core/verdict/detection.ts'
import { LASTS, HOUR_MS } from '../model/exceptions.ts'
import { call, type Page } from '../model/live.ts'
import { deed } from '../model/sentence.ts'
import type { Wall } from '../model/wall.ts'
import { classWords, fullName } from '../model/words.ts'
import { Ask } from './ask.tsx'
import { useFetched } from './fetched.ts'
import { SAID } from './marks.ts'
import { Shown } from './shown.tsx'
import { Time } from './time.tsx'

/** What a person said of a detection, and the two ways to say it. */
export function MarkDetection ({ detection, wall, now }: { detection: Detection, wall: Wall, now: number }) {
  const fetched = useFetched<Page<MarkSaid>>(`/marks/said?detection=${encodeURIComponent(detection.id)}`, wall.versions.marks)
  return (
    <Shown fetched={fetched} what="what was said of it">
      {({ items: [mark] }) => (
        <>
          {mark === undefined
            ? <p class="empty">Nobody has said whether it was right. Each answer counts in the precision of {classWords(detection.class).title} and is kept for training.</p>
            : <p class="said"><b>{SAID[mark.verdict]}</b>, said {mark.by}, <Time at={mark.at} />: {mark.reason}{mark.exception !== null && <> <a href="#/exceptions">Exception <code>{mark.exception}</code></a> was made with it.</>}</p>}
          <p class="buttons">
            <Say detection={detection} verdict="confirmed" now={now} exception={null} />
            <Say detection={detection} verdict="false-alarm" now={now} exception={mark?.exception ?? null} />
          </p>
        </>
      )}
    </Shown>
  )
}

const ASKS = {
  confirmed: { label: 'It was right', title: 'Confirm this detection?', confirm: 'Confirm it' },
  'false-alarm': { label: 'False alarm', title: 'A false alarm?', confirm: 'Mark it' },
} as const satisfies Record<MarkVerdict, unknown>

interface SayProps { detection: Detection, verdict: MarkVerdict, now: number, exception: string | null }

function Say ({ detection, verdict, now, exception }: SayProps) {
  const { label, title, confirm } = ASKS[verdict]
  return (
    <Ask
      label={label} name={`${label}: ${deed(detection)}`} kind={verdict} title={title} keep="Say nothing" confirm={confirm} doing="Saying it …"
      submit={async (said, fields) => {
        const hours = Number(fields.get('hours') ?? 0)
        const body = { verdict, ...said, ...(hours > 0 && { exceptUntil: new Date(now + hours * HOUR_MS).toISOString() }) }
        await call(`/detections/${encodeURIComponent(detection.id)}/mark`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
      }}
    >
      <p><b>{classWords(detection.class).title}</b>: {deed(detection)}.</p>
      {verdict === 'confirmed' && <p>It was what it was said to be. What is restricted stays as it is.</p>}
      {verdict === 'false-alarm' && (exception !== null
        ? <p>Exception {exception} was made with it before and stays.</p>
        : (
          <div class="fields">
            <label>Let the same be for
              <select name="hours" defaultValue="0"><option value="0">no time: only say so</option>{LASTS.map(([hours, words]) => <option key={hours} value={hours}>{words}</option>)}</select>
            </label>
            <p>With a time an exception is made: {classWords(detection.class).title} {between(detection)}, whatever a rule thinks of it, until then. What restricts it now ends.</p>
          </div>))}
    </Ask>
  )
}

function between ({ source, target }: Detection): string {
  return [...source === null ? [] : [`by ${fullName(source)}`], ...target === null ? [] : [`on ${fullName(target)}`]].join(' ')
}
