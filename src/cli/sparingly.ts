/** What repeats itself is told again after this long. */
const AGAIN_MS = 5 * 60_000

/** Hands on an event when its kind differs from that of the one before, or the same has gone on for five minutes: a pod's log is small. */
export function sparingly<Event> (take: (event: Event) => void, kind: (event: Event) => string, now: () => number = Date.now): (event: Event) => void {
  let last = ''
  let toldMs = -Infinity
  return (event) => {
    const atMs = now()
    if (kind(event) === last && atMs - toldMs < AGAIN_MS) return
    last = kind(event)
    toldMs = atMs
    take(event)
  }
}
