import type { Rates, Wall } from '../model/wall.ts'
import { number, short } from '../model/words.ts'

const RATES = [['packets', 'packets/s'], ['flows', 'flows/s'], ['windows', 'windows/s'], ['tensors', 'scored/s']] as const

/** What the pipeline does now, and what it has done since the detector started. */
export function Figures ({ wall }: { wall: Wall }) {
  const { stats, rates } = wall
  if (stats === null) return null
  const last = rates.at(-1)
  return (
    <section class="figures" aria-label="What the pipeline does">
      <dl class="rates">
        {RATES.map(([name, title]) => (
          <div key={name}>
            <dt>{title}</dt>
            <dd>{last === undefined ? '–' : short(last[name])}</dd>
            <Spark name={name} rates={rates} />
            <dd class="total" title={`${number(stats[name])} since the detector started`}>{number(stats[name])}</dd>
          </div>
        ))}
      </dl>
      <p class="held">
        <span>{number(stats.observers)} observer{stats.observers === 1 ? '' : 's'}</span>
        <span>{number(stats.keys)} keys held</span>
        <span class={stats.dropped > 0 ? 'bad' : ''}>{number(stats.dropped)} dropped</span>
        <span>{number(stats.malformed)} malformed</span>
      </p>
    </section>
  )
}

function Spark ({ name, rates }: { name: keyof Rates, rates: readonly Rates[] }) {
  const top = Math.max(1e-9, ...rates.map((rate) => rate[name]))
  const points = rates.map((rate, index) => `${(100 - (rates.length - 1 - index) * (100 / 59)).toFixed(1)},${(19 - 17 * rate[name] / top).toFixed(1)}`)
  return <svg class="spark" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true"><polyline points={points.join(' ')} /></svg>
}
