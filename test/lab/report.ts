import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AutoshieldError } from '../../src/core/errors.ts'
import { indexPath, readIndex } from './dataset-index.ts'
import type { DatasetIndex, IndexEntry } from './dataset-index.ts'
import { writePictures } from './pictures.ts'

/** Writes report.md and a picture of each class into the data set's folder. Throws NOT_FOUND where there is none. */
export async function writeReport (folder: string, index: DatasetIndex | null = readIndex(folder)): Promise<void> {
  if (index === null) throw new AutoshieldError('NOT_FOUND', `${indexPath(folder)} is not there: make the data set with npm run lab -- make-dataset --out ${folder}`)
  const pictures = await writePictures(folder, index)
  await writeFile(join(folder, 'report.md'), reportOf(index, pictures))
}

type Row = readonly (string | number)[]

function table (head: Row, rows: readonly Row[]): string {
  const line = (cells: Row): string => `| ${cells.join(' | ')} |`
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const hours = (entries: readonly IndexEntry[]): string => (sum(entries.map(({ seconds }) => seconds)) / 3600).toFixed(2)

function grouped<T> (items: readonly T[], by: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(by(item), [...groups.get(by(item)) ?? [], item])
  return [...groups].sort(([one], [other]) => one < other ? -1 : 1)
}

/** Rates fall into decades: those from 1 to 9.99 a second are called 1. */
const DECADES = [0.01, 0.1, 1, 10, 100, 1000] as const
const inDecade = (rates: readonly (number | null)[]): number[] => DECADES.map((from) => rates.filter((rate) => rate !== null && rate >= from && rate < from * 10).length)
const unpaced = (rates: readonly (number | null)[]): number => rates.filter((rate) => rate === null).length

export function reportOf (index: DatasetIndex, pictures: readonly string[]): string {
  const { entries } = index
  const attacks = entries.flatMap((entry) => entry.attacks.map((attack) => ({ ...attack, holdout: entry.holdout })))
  const loads = entries.flatMap((entry) => entry.benign.map((load) => ({ ...load, run: entry.run, seconds: entry.seconds })))
  const parts: [string, readonly IndexEntry[]][] = [['for training', entries.filter(({ holdout }) => !holdout)], ['held out', entries.filter(({ holdout }) => holdout)], ['all', entries]]
  const decades = DECADES.map((from) => `${from}/s`)
  const sections = [
    '# The data set',
    `${entries.length} of ${index.runs} planned runs, ${hours(entries)} of ${index.hours} hours. Made by \`npm run lab -- make-dataset --for ${index.purpose} --runs ${index.runs} --hours ${index.hours}\`.`,
    table(['runs', 'number', 'hours', 'without attack', 'attacks', 'packets', 'windows', 'MB', 'MB an hour'], parts.map(([name, part]) => {
      const bytes = sum(part.map((entry) => entry.bytes)) / 1e6
      return [name, part.length, hours(part), part.filter((entry) => entry.attacks.length === 0).length, sum(part.map((entry) => entry.attacks.length)), sum(part.map(({ packets }) => packets)), sum(part.map(({ windows }) => windows)), bytes.toFixed(2), (bytes / Math.max(1e-9, Number(hours(part)))).toFixed(1)]
    })),
    '## Runs by scenario',
    table(['scenario', 'runs', 'hours', 'attacks'], grouped(entries, ({ scenario }) => scenario).map(([name, part]) => [name, part.length, hours(part), sum(part.map((entry) => entry.attacks.length))])),
    '## Attacks',
    'Rates are what the tool was asked for, by decade from the one named; a tool without one sets its own pace.',
    table(['class', 'attacks', 'held out', 'plain', 'slow', 'evasive', 'services', 'tools', ...decades, 'own pace'], grouped(attacks, (attack) => attack.class).map(([name, part]) => {
      const rates = part.map(({ rate }) => rate)
      const of = (manner: string): number => part.filter((attack) => attack.manner === manner).length
      return [name, part.length, part.filter(({ holdout }) => holdout).length, of('plain'), of('slow'), of('evasive'), new Set(part.map(({ service }) => service)).size, new Set(part.map(({ tool }) => tool)).size, ...inDecade(rates), unpaced(rates)]
    })),
    '## Tools',
    table(['class', 'tool', 'attacks', 'held out', 'packets of one, middle', 'seconds, middle'], grouped(attacks, (attack) => `${attack.class} | ${attack.tool}`).map(([name, part]) => [name, part.length, part.filter(({ holdout }) => holdout).length, middle(part.map(({ packets }) => packets)), middle(part.map(({ seconds }) => seconds))])),
    '## Ordinary traffic',
    'Some kinds are of many pods at one time, each of which has its rate.',
    table(['kind', 'looks like', 'runs', 'hours', ...decades, 'own pace'], grouped(loads, ({ name, looksLike }) => `${name} | ${looksLike ?? ''}`).map(([name, part]) => {
      const rates = part.map(({ rate }) => rate)
      const runs = new Map(part.map(({ run, seconds }) => [run, seconds]))
      return [name, runs.size, (sum([...runs.values()]) / 3600).toFixed(2), ...inDecade(rates), unpaced(rates)]
    })),
    '## Over time',
    'One column a key, one row a feature, by windows of 0.5 s, logarithmic, the highest value in the corner; the attack is shaded.',
    ...pictures.map((file) => `![${file.replace('.svg', '')}](${file})`),
  ]
  return `${sections.join('\n\n')}\n`
}

const middle = (values: readonly number[]): number => [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0
