import type { Drift } from '../../../core/drift/drift.ts'
import { bucketStart } from '../../../core/drift/buckets.ts'
import { FEATURES } from '../../../core/window/window.ts'
import { featureWords, number, percent } from '../model/words.ts'

const [BAR, HEIGHT] = [9, 56]
/** Features that are drawn: the most unknown. */
const DRAWN = 3

const WORDS = {
  learning: 'too little has been seen to tell',
  familiar: 'like what the model was trained on',
  unfamiliar: 'unlike what the model was trained on: restrictions for what is detected here wait for a person',
} as const

/** How much of a namespace's traffic the model was not trained on: in words, and the features with the most of it as a picture. */
export function DriftOf ({ drift }: { drift: Drift }) {
  const { namespace, windows, standing, unknown, limit, features } = drift
  return (
    <section class="drift" aria-label={`Traffic of ${namespace} beside training`}>
      <h4>{namespace}</h4>
      <p class={standing === 'unfamiliar' ? 'problem' : ''}>{WORDS[standing]}; {percent(unknown)} of {number(windows)} windows have what training hardly had, {percent(limit)} is the limit.</p>
      {standing !== 'learning' && <div class="histograms">{features.slice(0, DRAWN).map((each) => <Histogram key={each.feature} {...each} />)}</div>}
    </section>
  )
}

/** Bars: here; the line: in training. Both as shares, each bucket twice as far as the one before. */
function Histogram ({ feature, unknown, seen, known }: Drift['features'][number]) {
  const words = featureWords(feature)
  const column = FEATURES.findIndex((name) => name === feature)
  const buckets = Math.max(seen.length, known.length)
  const top = Math.max(...seen, ...known)
  const y = (share: number): string => (HEIGHT - HEIGHT * share / top).toFixed(1)
  const line = Array.from({ length: buckets }, (_, bucket) => `${bucket === 0 ? 'M' : 'L'}${bucket * BAR} ${y(known[bucket] ?? 0)}H${(bucket + 1) * BAR}`).join('')
  const label = `${words.title}: here mostly ${words.format(bucketStart(column, likeliest(seen)))} and more, in training ${words.format(bucketStart(column, likeliest(known)))} and more; ${percent(unknown)} unknown`
  return (
    <figure>
      <figcaption>{words.title} <span>{percent(unknown)} unknown</span></figcaption>
      <svg viewBox={`0 0 ${buckets * BAR} ${HEIGHT}`} width={buckets * BAR} height={HEIGHT} role="img" aria-label={label}>
        {seen.map((share, bucket) => <rect key={bucket} class="heat" x={bucket * BAR + 1} y={y(share)} width={BAR - 2} height={(HEIGHT * share / top).toFixed(1)} />)}
        <path class="known" d={line} />
      </svg>
      <p class="axis"><span>{words.format(0)}</span><span>{words.format(bucketStart(column, buckets))}</span></p>
    </figure>
  )
}

const likeliest = (shares: readonly number[]): number => shares.indexOf(Math.max(...shares))
