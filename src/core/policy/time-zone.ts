export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const

/** A moment on the wall clock of a zone: hour 0-23, month and day from 1. */
interface LocalTime {
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly weekday: (typeof WEEKDAYS)[number]
}

/** Opened once, for opening one costs some 50 microseconds. */
export interface TimeZone {
  readonly name: string
  at: (unixMs: number) => LocalTime
}

/** null where the runtime's zone data has no such name. Names are IANA's, such as `Europe/Berlin`; `UTC` always works. */
export function openTimeZone (name: string): TimeZone | null {
  const format = dateFormat(name)
  if (format === null) return null
  const at = (unixMs: number): LocalTime => {
    const parts = new Map(format.formatToParts(unixMs).map(({ type, value }) => [type, value]))
    const number = (part: Intl.DateTimeFormatPartTypes): number => Number(parts.get(part))
    const weekday = WEEKDAYS.find((day) => day === parts.get('weekday')?.toLowerCase()) ?? 'monday'
    return { month: number('month'), day: number('day'), hour: number('hour'), minute: number('minute'), weekday }
  }
  return { name, at }
}

function dateFormat (timeZone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en-GB', {
      timeZone, hourCycle: 'h23', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', weekday: 'long',
    })
  } catch (thrown) {
    if (thrown instanceof RangeError) return null // ECMA-402: an unknown zone is a RangeError
    throw thrown
  }
}
