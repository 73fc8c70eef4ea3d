import type { StationState } from '../model/trail.ts'

/** Never mistaken for real: hatched, and the word. */
export function Simulated () {
  return <>{' '}<span class="simulated-tag">simulated</span>{' '}</>
}

const SHAPES: Readonly<Record<StationState, { readonly word: string, readonly draw: preact.ComponentChildren }>> = {
  done: { word: 'done', draw: <><circle cx="8" cy="8" r="7" class="fill" /><path d="M4.7 8.3 7 10.6l4.4-5" class="on-fill" /></> },
  waiting: { word: 'waiting', draw: <><circle cx="8" cy="8" r="6.25" class="line" /><path d="M8 4.6V8l2.3 1.5" class="line" /></> },
  broken: { word: 'broken', draw: <><path d="M8 .8 15.2 8 8 15.2.8 8Z" class="fill" /><path d="M5.6 5.6l4.8 4.8m0-4.8-4.8 4.8" class="on-fill" /></> },
  simulated: { word: 'simulated', draw: <><circle cx="8" cy="8" r="6.25" class="line" /><path d="M3.6 8.6 8.6 3.6M5 11 11 5M7.4 12.4l5-5" class="line" /></> },
  none: { word: 'not needed', draw: <path d="M4.5 8h7" class="line" /> },
}

/** A state as a shape of its own, so that colour says nothing alone. */
export function Mark ({ state, size = 16 }: { state: StationState, size?: number }) {
  const { word, draw } = SHAPES[state]
  return <svg class={`mark ${state}`} width={size} height={size} viewBox="0 0 16 16" role="img" aria-label={word}>{draw}</svg>
}
