import type { Precision } from '../../../core/feedback/precision.ts'
import type { Wall } from '../model/wall.ts'
import { classWords, number } from '../model/words.ts'
import { useFetched } from './fetched.ts'
import { Shown } from './shown.tsx'

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`

/** How often detections were what they were said to be, by class and namespace, as people marked them. */
export function PrecisionTable ({ wall }: { wall: Wall }) {
  const fetched = useFetched<readonly Precision[]>('/precision', wall.versions.marks)
  return (
    <section aria-labelledby="precision-title">
      <h3 id="precision-title" class="part">How often they were right</h3>
      <Shown fetched={fetched} what="how often they were right">
        {(rows) => rows.length === 0
          ? <p class="empty">No detection of live traffic was marked yet. Open one and say whether it was right: with a dozen of a kind this table begins to tell something.</p>
          : <Rows rows={rows} />}
      </Shown>
    </section>
  )
}

function Rows ({ rows }: { rows: readonly Precision[] }) {
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Precision by class and namespace">
        <table class="precision">
          <thead><tr><th scope="col">Class</th><th scope="col">Namespace</th><th scope="col" class="num">Confirmed</th><th scope="col" class="num">False alarms</th><th scope="col" class="num">Right</th><th scope="col">Where it lies, with 95 %</th></tr></thead>
          <tbody>
            {rows.map(({ class: name, namespace, confirmed, falseAlarms, precision, low, high }) => (
              <tr key={`${name} ${namespace ?? ''}`}>
                <td>{classWords(name).title}</td><td>{namespace ?? 'no pod'}</td><td class="num">{number(confirmed)}</td><td class="num">{number(falseAlarms)}</td><td class="num"><b>{percent(precision)}</b></td>
                <td class="range"><Range low={low} high={high} at={precision} /> {percent(low)} to {percent(high)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="empty">By the detections that people marked; replays are left out. The namespace is the target's, or else the source's.</p>
    </>
  )
}

function Range ({ low, high, at }: { low: number, high: number, at: number }) {
  return (
    <svg width="100" height="10" viewBox="0 0 100 10" aria-hidden="true">
      <path class="whole" d="M0 5H100" /><path class="part-of" d={`M${100 * low} 5H${100 * high}`} /><rect class="at" x={Math.min(97, 100 * at)} y="1" width="3" height="8" />
    </svg>
  )
}
