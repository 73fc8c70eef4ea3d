import { Option } from 'commander'
import { AutoshieldError } from '../core/errors.ts'
import { openTimeZone } from '../core/policy/time-zone.ts'
import type { Judging, RuleVerdict } from '../core/policy/why.ts'

export const zoneOption = (): Option => new Option('--zone <name>', 'time zone of time.*').default('UTC')

/** What recorded detections are judged by. Throws USAGE. */
export function judgingIn (zone: string, classes: readonly string[]): Judging {
  const opened = openTimeZone(zone)
  if (opened === null) throw new AutoshieldError('USAGE', `"${zone}" is no time zone: name one of IANA's, such as Europe/Berlin or UTC.`)
  return { zone: opened, modelClasses: classes }
}

/** Lines about what could not be told of recorded detections, a list of rules for each; none where all could. */
export function tellUntold (untold: readonly (readonly RuleVerdict[])[]): string[] {
  const some = untold.filter(({ length }) => length > 0)
  if (some.length === 0) return []
  return [
    `Of ${some.length} something could not be told, for a condition asks for what was not kept with the detection; live it may be known:`,
    ...[...new Set(some.flat().map(({ id, message }) => `  ${id}: ${message}`))].slice(0, 10),
  ]
}
