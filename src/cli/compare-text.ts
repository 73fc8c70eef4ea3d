import type { Comparison } from '../core/model/comparison.ts'

const percent = (part: number, whole: number): string => whole === 0 ? '-' : `${(100 * part / whole).toFixed(2)} %`
const ms = (value: number | null): string => value === null ? '-' : `${value.toPrecision(2)} ms`

/** A comparison for people: what they agree on, the alarms of each, and what each costs. */
export function compareText ({ current, candidate, since, until, windows, skipped, failed, agreed, alarms, difference, latency }: Comparison): string {
  const rows = [
    ['', 'CURRENT', 'CANDIDATE', 'BOTH'],
    ['version', current, candidate, ''],
    ...Object.entries(alarms).map(([name, of]) => [`${name} alarms`, String(of.current), String(of.candidate), String(of.both)]),
    ['time a run, median', ms(latency.current.p50Ms), ms(latency.candidate.p50Ms), ''],
    ['time a run, p99', ms(latency.current.p99Ms), ms(latency.candidate.p99Ms), ''],
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const table = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()).join('\n')
  return `${windows} windows from ${since} to ${until}, scored by both; ${skipped} by the current one alone to save time, ${failed} that the candidate could not score\n` +
    `${percent(agreed, windows)} hold the same class most probable; the probability of an attack differs by ${difference.mean.toFixed(4)} on average, ${difference.max.toFixed(4)} at most\n` +
    `An alarm is a window at or above the model's own threshold of that class.\n\n${table}\n`
}
