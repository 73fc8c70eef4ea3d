const timeOnly = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
const withDay = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })

/** In the viewer's zone; the day is there unless it is today. */
export function clock (ms: number): string {
  return (new Date(ms).toDateString() === new Date().toDateString() ? timeOnly : withDay).format(ms)
}

/** A time in the viewer's zone, with UTC on hover and for machines. */
export function Time ({ at }: { at: number | string }) {
  const ms = typeof at === 'number' ? at : Date.parse(at)
  if (!Number.isFinite(ms)) return <span>unknown time</span>
  const utc = new Date(ms).toISOString()
  return <time dateTime={utc} title={`${utc.replace('T', ' ').replace('Z', '')} UTC`}>{clock(ms)}</time>
}
