import { CLASSES } from '../../src/core/classes.ts'
import type { RunOutcome } from './judge-run.ts'
import { list, table } from './markdown.ts'
import { NOTHING, quantileOf, tallyOf, type FoundCount, type Tally } from './tally.ts'

/** One who judged: the model, or what stands beside it. */
export interface Judged { readonly name: string, readonly runs: readonly RunOutcome[] }

const share = (part: number, whole: number): string => `${part} of ${whole}`
const seconds = (value: number): string => Number.isNaN(value) ? '-' : `${value < 10 ? value.toFixed(1) : Math.round(value)} s`
const NONE: FoundCount = { attacks: 0, found: 0, noticed: 0, delays: [] }

/** Markdown: all that was asked in one table, what others and parts of the loop do in a row each, then what the first of them missed and alarmed falsely, with its reasons. */
export function reportOf (judged: readonly Judged[], ablated: readonly Judged[], pictures: readonly string[]): string {
  const tallies = judged.map(({ name, runs }) => ({ name, tally: tallyOf(runs) }))
  const [first] = tallies
  if (first === undefined) return ''
  const { tally } = first
  const runs = judged[0]?.runs ?? []
  const kinds = [...tally.found.keys()].sort()
  const classes = classesOf(runs)
  return [
    `# Evaluation of ${first.name}`,
    `${runs.length} captures, ${tally.hours.toFixed(2)} hours, ${[...kinds].filter((kind) => !kind.includes(' ')).reduce((sum, kind) => sum + (tally.found.get(kind)?.attacks ?? 0), 0)} attacks; ${tally.benignPairs} benign pairs. Detections are those of \`autoshield detect\`: scores, evidence over time and all.`,
    '## Side by side',
    table(['', ...tallies.map(({ name }) => name)], [
      ...kinds.map((kind) => [kind.includes(' ') ? `${kind.split(' ')[0] ?? ''}, ${kind.split(' ')[1] ?? ''}` : `**${kind}** found`, ...tallies.map(({ tally: each }) => foundText(each.found.get(kind) ?? NONE))]),
      ['false alarms', ...tallies.map(({ tally: each }) => each.falseAlarms)],
      ['captures without attack alarmed', ...tallies.map(({ tally: each }) => share(each.quietCapturesAlarmed, each.quietCaptures))],
      ['false alarms a capture hour', ...tallies.map(({ tally: each }) => (each.falseAlarms / each.hours).toFixed(2))],
      ['false alarms a benign pair and hour', ...tallies.map(({ tally: each }) => (each.falseAlarms / each.pairHours).toPrecision(2))],
    ]),
    '"Found": with a detection of its own class; in brackets those that had a detection of any class, where there are more.',
    '## From the first packet to the detection',
    table(['class', 'median', '95 % below', 'longest'], classes.map((name) => {
      const { delays } = tally.found.get(name) ?? NONE
      return [name, seconds(quantileOf(delays, 0.5)), seconds(quantileOf(delays, 0.95)), seconds(delays.at(-1) ?? NaN)]
    })),
    '## What each attack, and what was none, was taken for',
    confusionTable(tally, classes),
    ...ablated.length > 0 ? ['## Each part alone, others in its place, and all without each', ablationTable([...judged, ...ablated], classes)] : [],
    ...pictures.length > 0 ? ['## Whatever the threshold', ...pictures.map((file) => `![${file}](${file})`)] : [],
    '## Missed',
    list(runs.flatMap(({ run, attacks }) => attacks.filter(({ found }) => found === null).map(({ attack, otherwise }) =>
      `${attack.class} by ${attack.tool}${attack.rate === null ? '' : ` at ${Number(attack.rate.toPrecision(2))}/s`}, ${attack.manner} (${run})${otherwise.length > 0 ? `: taken for ${otherwise.join(', ')}` : ''}`))),
    '## False alarms',
    list(runs.flatMap(({ run, falseAlarms }) => falseAlarms.map((alarm) => `${alarm.class} (${run}): ${alarm.explanation.sentence}`))),
  ].join('\n\n') + '\n'
}

/** The shipped attack classes, then those of the captures' authors. */
const classesOf = (runs: readonly RunOutcome[]): string[] =>
  [...new Set([...CLASSES.slice(1), ...runs.flatMap(({ attacks }) => attacks.map(({ attack }) => attack.class))])]

function ablationTable (judged: readonly Judged[], classes: readonly string[]): string {
  return table(['', ...classes, 'false alarms', 'captures without attack alarmed'], judged.map(({ name, runs }) => {
    const { found, falseAlarms, quietCapturesAlarmed, quietCaptures } = tallyOf(runs)
    return [name, ...classes.map((each) => foundText(found.get(each) ?? NONE)), falseAlarms, share(quietCapturesAlarmed, quietCaptures)]
  }))
}

const foundText = ({ attacks, found, noticed }: FoundCount): string => `${share(found, attacks)}${noticed > found ? ` (${noticed})` : ''}`

function confusionTable ({ confusion }: Tally, classes: readonly string[]): string {
  const columns = [...classes, ...[...new Set([...confusion.values()].flatMap((row) => [...row.keys()]))].filter((name) => !classes.includes(name) && name !== NOTHING)]
  return table(['is', ...columns, NOTHING], [...classes, 'BENIGN'].map((name) => [name, ...[...columns, NOTHING].map((said) =>
    name === 'BENIGN' && said === NOTHING ? '' : confusion.get(name)?.get(said) ?? 0)]))
}
