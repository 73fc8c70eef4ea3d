import type { AttackOutcome } from './judge-run.ts'
import type { SourceOutcome } from './judge-sources.ts'
import { list, table } from './markdown.ts'

/** What a tool makes itself passes no proxy as a connection, and leaves no socket: it is counted, and held against nobody. */
const APART = 'raw packets'

interface Row { readonly run: string, readonly attack: AttackOutcome['attack'], readonly found: readonly boolean[], readonly otherwise: readonly (readonly string[])[] }

/**
 * Markdown: attacks found with a detection of their own class, by class and source; each source's share of what the first of them found;
 * what it was that they missed. All sources have the same runs in the same order.
 */
export function sourcesReport (model: string, sources: readonly SourceOutcome[]): string {
  const rows = rowsOf(sources)
  const within = rows.filter(({ attack }) => attack.sentAs !== APART)
  const connections = within.filter(({ attack }) => attack.sentAs === 'connections')
  const others = within.filter(({ attack }) => attack.sentAs !== 'connections')
  const raw = rows.filter(({ attack }) => attack.sentAs === APART)
  const names = sources.map(({ source }) => source)
  const hours = sources[0]?.runs.reduce((sum, run) => sum + run.hours, 0) ?? 0
  const [first = ''] = names
  return [
    `# The same attacks from each source alone, model ${model}`,
    `${sources[0]?.runs.length ?? 0} runs, ${hours.toFixed(2)} hours, ${rows.length} attacks, found with a detection of their own class; in brackets the share of what ${first} found.`,
    table(['attacks', 'in all', ...names], [
      ...classRows(connections),
      ['**by connections**', connections.length, ...shares(connections)],
      ...classRows(others).map(([name = '', ...rest]) => [`${name}, no TCP`, ...rest]),
      ['**all but raw packets**', within.length, ...shares(within)],
      ...classRows(raw).map(([name = '', ...rest]) => [`${name}, raw packets`, ...rest]),
      ['false alarms', '', ...sources.map(({ runs }) => runs.reduce((sum, run) => sum + run.falseAlarms.length, 0))],
      ['pairs without attack', '', ...sources.map(({ runs }) => runs.reduce((sum, run) => sum + run.benignPairs, 0))],
    ]),
    'Raw packets (SYN scans, floods, forged ones) pass no proxy as a connection and leave no socket where they come from.',
    ...names.slice(1).flatMap((name, index) => [`## Found by ${first}, missed by ${name}`, list(within.filter(({ found }) => found[0] === true && found[index + 1] !== true).map((row) => told(row, index + 1)))]),
    ...names.slice(1).flatMap((name, index) => [`## Found by ${name}, missed by ${first}`, list(within.filter(({ found }) => found[0] !== true && found[index + 1] === true).map((row) => told(row, 0)))]),
    '## Found by none', list(within.filter(({ found }) => !found.includes(true)).map((row) => told(row, 0))),
    '## False alarms', list(sources.flatMap(({ source, runs }) => runs.flatMap(({ run, falseAlarms }) => falseAlarms.map((alarm) => `${source}: ${alarm.class} (${run}): ${alarm.explanation.sentence}`)))),
  ].join('\n\n') + '\n'
}

function rowsOf (sources: readonly SourceOutcome[]): Row[] {
  return (sources[0]?.runs ?? []).flatMap(({ run, attacks }, at) => attacks.map(({ attack }, index) => {
    const outcomes = sources.map(({ runs }) => runs[at]?.attacks[index])
    return { run, attack, found: outcomes.map((outcome) => outcome != null && outcome.found !== null), otherwise: outcomes.map((outcome) => outcome?.otherwise ?? []) }
  }))
}

const countOf = (rows: readonly Row[], source: number): number => rows.filter(({ found }) => found[source] === true).length
const sourcesOf = (rows: readonly Row[]): number[] => [...rows[0]?.found.keys() ?? []]

/** A row for each class, as they come by name. */
function classRows (rows: readonly Row[]): (string | number)[][] {
  const classes = [...new Set(rows.map(({ attack }) => attack.class))].sort()
  return classes.map((name) => {
    const own = rows.filter(({ attack }) => attack.class === name)
    return [name, own.length, ...sourcesOf(own).map((source) => countOf(own, source))]
  })
}

function shares (rows: readonly Row[]): string[] {
  const most = countOf(rows, 0)
  return sourcesOf(rows).map((source) => {
    const count = countOf(rows, source)
    return source === 0 || most === 0 ? String(count) : `${count} (${(count / most).toFixed(2)})`
  })
}

/** An attack, and what the source took it for. */
function told ({ run, attack, otherwise }: Row, source: number): string {
  const taken = otherwise[source] ?? []
  return `${attack.class} by ${attack.tool} (${run})${taken.length > 0 ? `: taken for ${taken.join(', ')}` : ''}`
}
