import { Type, type Static } from 'typebox'
import { openTimeZone, WEEKDAYS, type TimeZone } from '../policy/time-zone.ts'

const time = (description: string) => Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$', description: `${description} As HH:MM.` })

export const WINDOW_EFFECTS = ['hold', 'alert'] as const

/** A time in which restrictions wait, while people change things and much looks like an attack. */
export const MaintenanceWindow = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 100, description: 'What people call it.' }),
  days: Type.Array(Type.Enum([...WEEKDAYS]), { minItems: 1, maxItems: 7, description: `On which days it begins, of ${WEEKDAYS.join(', ')}.` }),
  from: time('When it begins, on the clocks of its zone.'),
  to: time('When it ends; not later than `from`: on the next day.'),
  zone: Type.String({ minLength: 1, maxLength: 64, description: 'Zone of its clocks, by IANA\'s name, such as Europe/Berlin or UTC.' }),
  namespaces: Type.Array(Type.String({ minLength: 1, maxLength: 63 }), { maxItems: 1_000, description: 'Names of the namespaces that it concerns; none: all.' }),
  effect: Type.Enum([...WINDOW_EFFECTS], { description: 'hold: what would be done waits for a person. alert: it is told and not done.' }),
}, { $id: 'MaintenanceWindow', additionalProperties: false })
export type MaintenanceWindow = Readonly<Static<typeof MaintenanceWindow>>

/** A window that is open now. */
export type OpenWindow = Pick<MaintenanceWindow, 'name' | 'effect' | 'to' | 'zone'>

/** Windows with their zones opened, for opening one costs some 50 microseconds. */
export interface MaintenanceBook {
  readonly windows: readonly { readonly window: MaintenanceWindow, readonly zone: TimeZone }[]
}

/** Windows whose zone is none are left out: `readSafetyFile` refuses them. */
export function openMaintenanceBook (windows: readonly MaintenanceWindow[]): MaintenanceBook {
  return {
    windows: windows.flatMap((window) => {
      const zone = openTimeZone(window.zone)
      return zone === null ? [] : [{ window, zone }]
    })
  }
}

/** The window that is open for something in these namespaces; of several one that only alerts before one that holds, then the first. */
export function openWindow ({ windows }: MaintenanceBook, namespaces: readonly string[], nowMs: number): OpenWindow | null {
  const open = windows.filter(({ window, zone }) => concerns(window, namespaces) && isOpen(window, zone, nowMs)).map(({ window }) => window)
  return open.find(({ effect }) => effect === 'alert') ?? open[0] ?? null
}

const concerns = ({ namespaces }: MaintenanceWindow, touched: readonly string[]): boolean => namespaces.length === 0 || touched.some((one) => namespaces.includes(one))

/**
 * By the clocks on the wall. Where they jump forward over a time, the window has not got that time; where they go back, it has it twice.
 *
 *     from, to       | clock               | day                | open
 *     from before to | in [from, to)       | one of `days`      | yes
 *     from before to | in [from, to)       | another            | no
 *     from before to | outside             | -                  | no
 *     else           | at or after from    | one of `days`      | yes
 *     else           | before to           | after one of them  | yes
 *     else           | any other           | -                  | no
 */
function isOpen ({ days, from, to }: MaintenanceWindow, zone: TimeZone, nowMs: number): boolean {
  const { hour, minute, weekday } = zone.at(nowMs)
  const [begin, end, clock] = [minutesOf(from), minutesOf(to), hour * 60 + minute]
  const yesterday = WEEKDAYS[(WEEKDAYS.indexOf(weekday) + 6) % 7]
  if (begin < end) return clock >= begin && clock < end && days.includes(weekday)
  return (clock >= begin && days.includes(weekday)) || (clock < end && yesterday !== undefined && days.includes(yesterday))
}

const minutesOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
