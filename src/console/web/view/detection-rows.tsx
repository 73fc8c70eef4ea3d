import type { Detection } from '../../../core/verdict/detection.ts'
import { detectionHref } from '../model/route.ts'
import { trailOf } from '../model/trail.ts'
import { decisionsOf, mitigationsOf, type Wall } from '../model/wall.ts'
import { classWords, fullName } from '../model/words.ts'
import { Mark, Simulated } from './mark.tsx'
import { SAID, useMarks } from './marks.ts'
import { Time } from './time.tsx'

/** Detections, one a row, each with how far it came and what a person said of it. */
export function DetectionRows ({ detections, wall }: { detections: readonly Detection[], wall: Wall }) {
  const marks = useMarks(wall)
  return (
    <ul class="detections">
      {detections.map((detection) => {
        const mark = marks.get(detection.id)
        return (
          <li key={detection.id} class={`${detection.phase} ${detection.simulated ? 'is-simulated' : ''}`}>
            <a href={detectionHref(detection.id)}>
              <span class="what">
                <span class="class">{classWords(detection.class).title}</span>
                <span class="phase">{detection.phase}</span>
                {detection.simulated && <Simulated />}
                {mark !== undefined && <span class="marked" title={`${mark.by}: ${mark.reason}`}>{SAID[mark.verdict]}</span>}
                <span class="confidence" title="Peak probability">{detection.confidence.toFixed(3)}</span>
                <Time at={detection.firstSeen} />
              </span>
              <Ends detection={detection} />
              <SmallTrail wall={wall} detection={detection} />
            </a>
          </li>
        )
      })}
    </ul>
  )
}

const Ends = ({ detection }: { detection: Detection }) => (
  <span class="ends">
    <b>{detection.source === null ? 'many sources' : fullName(detection.source)}</b>
    <span class="to" aria-label="to">→</span>
    <b>{detection.target === null ? 'many addresses' : fullName(detection.target)}</b>
  </span>
)

function SmallTrail ({ wall, detection }: { wall: Wall, detection: Detection }) {
  const stations = trailOf(detection, decisionsOf(wall, detection.id), mitigationsOf(wall, detection.id))
  const broken = stations.find(({ state }) => state === 'broken')
  const reached = broken ?? stations.findLast(({ state }) => state === 'done' || state === 'simulated')
  return (
    <span class="small-trail">
      <span class="dots" aria-hidden="true">
        {stations.map(({ name, state }) => <Mark key={name} state={state} size={12} />)}
      </span>
      <span class={broken === undefined ? 'reached' : 'reached broken'}>{reached?.name}{reached?.note === '' ? '' : `: ${reached?.note ?? ''}`}</span>
    </span>
  )
}
