import type { Errand } from '../../../core/errand/errand.ts'
import type { Exception } from '../../../core/exception/exception.ts'
import { exceptionStanding, exceptionWords } from '../model/exceptions.ts'
import type { Page } from '../model/live.ts'
import { errandsHref } from '../model/route.ts'
import type { Wall } from '../model/wall.ts'
import { roughly } from '../model/words.ts'
import { errandWords } from './errands-page.tsx'
import { useFetched } from './fetched.ts'
import { Time } from './time.tsx'

/** Further lists of the wall, each there only while it has something to say. */

/** What was given up within a day is news; the rest is on its page. */
const NEWS_MS = 24 * 3_600_000
const ROWS = 3

/** Messages and evictions that could not be done. */
export function NotDone ({ wall }: { wall: Wall }) {
  const failed = useFetched<Page<Errand>>('/errands?phase=failed&limit=50', wall.versions.errands)
  if (failed.state !== 'there') return null
  const news = failed.value.items.filter(({ state }) => state.phase === 'failed' && Date.parse(state.at) > Date.now() + wall.skewMs - NEWS_MS)
  if (news.length === 0) return null
  return (
    <section class="list-not-done" aria-labelledby="not-done-title">
      <h2 id="not-done-title">Could not be done <span class="count">{news.length} within a day</span></h2>
      <ul class="decisions">{news.slice(0, ROWS).map((errand) => <li key={errand.id} class="hold"><p><b>{errandWords(errand)}</b>: {errand.message}</p></li>)}</ul>
      <p class="more"><a href={errandsHref('failed')}>All that was given up</a></p>
    </section>
  )
}

/** Exceptions that hold, the one that ends first in front. */
export function LetBe ({ wall, now }: { wall: Wall, now: number }) {
  const exceptions = useFetched<Page<Exception>>('/exceptions?limit=500', wall.versions.exceptions)
  if (exceptions.state !== 'there') return null
  const holding = exceptions.value.items.flatMap((exception) => {
    const standing = exceptionStanding(exception, now)
    return standing.state === 'holds' || standing.state === 'ends-soon' ? [{ name: exception.metadata.name, spec: standing.spec }] : []
  }).sort((one, other) => one.spec.until < other.spec.until ? -1 : 1)
  if (holding.length === 0) return null
  return (
    <section class="list-let-be" aria-labelledby="let-be-title">
      <h2 id="let-be-title">Let be <span class="count">{holding.length} {holding.length === 1 ? 'exception' : 'exceptions'}</span></h2>
      <ul class="plain">
        {holding.slice(0, ROWS).map(({ name, spec }) => <li key={name}><a href="#/exceptions"><b>{name}</b></a>: {exceptionWords(spec)}. Ends in {roughly(Date.parse(spec.until) - now)}, <Time at={spec.until} />.</li>)}
      </ul>
      {holding.length > ROWS && <p class="more"><a href="#/exceptions">{holding.length - ROWS} more</a></p>}
    </section>
  )
}
