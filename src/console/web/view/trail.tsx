import type { Station } from '../model/trail.ts'
import { span } from '../model/words.ts'
import { Mark } from './mark.tsx'
import { Time } from './time.tsx'

/** Longer than this after the one before is no latency of the loop: a recording and the present, or a time to live. */
const MAX_STEP_MS = 3_600_000

/** The stations of a detection, each with its time and how long after the one before. */
export function Trail ({ stations }: { stations: readonly Station[] }) {
  let before: number | null = null
  const rows = stations.map((station) => {
    const step = station.atMs !== null && before !== null && station.name !== 'Undo' ? station.atMs - before : null
    if (station.atMs !== null) before = station.atMs
    return { station, step: step !== null && step >= 0 && step < MAX_STEP_MS ? step : null }
  })
  return (
    <ol class="trail">
      {rows.map(({ station: { name, state, atMs, note }, step }) => (
        <li key={name} class={state}>
          <Mark state={state} size={20} />
          <span class="name">{name}</span>
          <span class="when">{atMs === null ? '\u00a0' : <Time at={atMs} />}{step !== null && <span class="step">+{span(step)}</span>}</span>
          <span class="note">{note}</span>
        </li>
      ))}
    </ol>
  )
}
