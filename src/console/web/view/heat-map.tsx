import type { Detection } from '../../../core/verdict/detection.ts'
import { FEATURES } from '../../../core/window/window.ts'
import { featureWords, span } from '../model/words.ts'

const CELL = 14
const GAP = 1

/** How strong a value is on its row's scale: logarithmic, because counts span orders of magnitude. */
const strength = (value: number, top: number): number => top <= 0 || value <= 0 ? 0 : Math.log1p(value) / Math.log1p(top)

function Cells ({ values, top, label }: { values: readonly number[], top: number, label: string }) {
  const width = values.length * (CELL + GAP)
  return (
    <svg class="cells" viewBox={`0 0 ${width} ${CELL}`} width={width} height={CELL} role="img" aria-label={label} preserveAspectRatio="none">
      {values.map((value, index) => (
        <g key={index}>
          <rect class="ground" x={index * (CELL + GAP)} width={CELL} height={CELL} />
          {value > 0 && <rect class="heat" x={index * (CELL + GAP)} width={CELL} height={CELL} fill-opacity={(0.14 + 0.86 * strength(value, top)).toFixed(3)} />}
        </g>
      ))}
    </svg>
  )
}

/** The tensor that was scored, a row a feature, newest window at the right, beside what is usual where that is known. */
export function HeatMap ({ detection }: { detection: Detection }) {
  const { tensor, stepMs, evidence } = detection.explanation
  const windows = tensor.length
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="The 20 windows that were scored">
      <table class="heat-map">
        <caption>Its strongest moment: {windows} windows of {span(stepMs)}, newest at the right; each row on its own scale, blank is zero</caption>
        <thead>
          <tr><th scope="col">Feature</th><th scope="col">{span(windows * stepMs)} ago → newest</th><th scope="col" class="num">Newest</th><th class="usual" aria-hidden="true" /><th scope="col" class="num">Usual</th></tr>
        </thead>
        <tbody>
          {FEATURES.map((feature, column) => {
            const words = featureWords(feature)
            const row = tensor.map((window) => window[column] ?? 0)
            const known = evidence.find((item) => item.feature === feature)
            const top = Math.max(...row, known?.usual ?? 0)
            const rank = evidence.slice(0, 3).findIndex((item) => item.feature === feature)
            const newest = words.format(row.at(-1) ?? 0)
            return (
              <tr key={feature} class={rank >= 0 ? 'leading' : ''}>
                <th scope="row" title={feature}>{rank >= 0 && <span class="rank" title="Among the three that made the score">{rank + 1}</span>}{words.title}</th>
                <td><Cells values={row} top={top} label={`from ${words.format(row[0] ?? 0)} to ${newest}, at most ${words.format(Math.max(0, ...row))}`} /></td>
                <td class="num">{newest}</td>
                <td class="usual">{known !== undefined && <Cells values={[known.usual]} top={top} label="usual" />}</td>
                <td class="num">{known === undefined ? '–' : words.format(known.usual)}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}
