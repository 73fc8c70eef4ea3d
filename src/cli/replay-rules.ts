import { lifeSpans } from '../core/history/life-spans.ts'
import { mitigationLives, type Lives } from '../core/history/mitigation-lives.ts'
import { standingOf } from '../core/history/standing.ts'
import { tryMitigations, type MitigationTrial, type TouchedGroup, type TouchedTotal } from '../core/history/try-mitigations.ts'
import type { Detection } from '../core/verdict/detection.ts'
import { type CliContext, EXIT } from './context.ts'
import { judgingIn, tellUntold } from './judging.ts'
import { type Column, type OutputFormat, RowPrinter } from './output.ts'
import { goodPolicyInputOf } from './policy-input.ts'
import { type ClassesFlags, classesFor } from './rule-classes.ts'
import { recordedDetections } from './recorded-detections.ts'
import { readRecorded, type RecordedFlags, readSpans, tellRecorded } from './recorded-flows.ts'

export interface RulesReplayFlags extends RecordedFlags, Pick<ClassesFlags, 'classes' | 'model'> {
  readonly zone: string
  readonly output: OutputFormat
}

const COLUMNS: readonly Column<TouchedGroup>[] = [
  { title: 'WOULD BE', of: ({ effect }) => effect },
  { title: 'IS', of: ({ of }) => of },
  { title: 'SOURCE', of: ({ source }) => source },
  { title: 'DESTINATION', of: ({ destination }) => destination },
  { title: 'PORT', of: ({ protocol, port }) => port === 0 ? protocol : `${protocol} ${port}` },
  { title: 'CONNECTIONS', of: ({ connections }) => connections },
  { title: 'FAILED', of: ({ failed }) => failed },
  { title: 'PODS', of: ({ pods }) => pods },
  { title: 'LAST SEEN', of: ({ lastMs }) => new Date(lastMs).toISOString().slice(0, 16) },
  { title: 'BY', of: ({ by, detections: [first, ...more] }) => `${by.join(', ')} for ${first}${more.length === 0 ? '' : ` and ${more.length} more`}` },
]

/** Prints what the mitigations of rules would have touched. Gives the exit status: 79 where something legitimate would be cut. */
export async function replayRules ({ stdout, stderr, settings }: CliContext, files: readonly { readonly file: string, readonly text: string }[], flags: RulesReplayFlags): Promise<number> {
  const classes = await classesFor(flags, settings)
  const policies = files.map(({ file, text }) => goodPolicyInputOf(text, file, classes).policy)
  const judging = judgingIn(flags.zone, classes)
  const recorded = await readRecorded(flags)
  // One that never opened is never decided on.
  const detections = (await recordedDetections(flags)).filter(({ lastSeen, delaySeconds }) => Date.parse(lastSeen) >= flags.since && delaySeconds !== null)
  const found = mitigationLives(policies, detections, recorded.records, judging)
  const { records, left } = await readSpans(flags, lifeSpans(found.lives, flags.since, Date.now()))
  const trial = tryMitigations(records, found.lives, standingOf(detections))
  const printer = new RowPrinter(stdout, flags.output, COLUMNS)
  for (const group of trial.groups) await printer.print(group)
  await printer.end('no recorded flow would have been touched')
  stderr.write(`${[...told(detections, found, trial), `${tellRecorded(recorded)}.`, ...(left > 0 ? [`${left} flows of the time of a restriction were left off: read the data folder with --data.`] : [])].join('\n')}\n`)
  return trial.totals.some(({ effect, of }) => effect === 'cut' && of === 'legitimate') ? EXIT.findings : EXIT.ok
}

function told (detections: readonly Detection[], { lives, idle, untold, fired }: Lives, { totals, unjudged }: MitigationTrial): string[] {
  const waiting = lives.filter(({ verdict }) => verdict === 'hold').length
  const simulated = lives.filter(({ verdict }) => verdict === 'simulate').length
  return [
    `${detections.length} detections opened, rules fire for ${fired} of them; ${lives.length} restrictions follow.`,
    ...totals.map(totalLine),
    ...(unjudged > 0 ? [`Of ${unjudged} connections between ends that are restricted it cannot be told: they are of no port that was named, or no protocol that a restriction speaks of.`] : []),
    ...(waiting > 0 ? [`${waiting} restrictions would wait for a person; they are reckoned as agreed to at once.`] : []),
    ...(simulated > 0 ? [`${simulated} rest on a replay and would only be simulated; they are reckoned as made.`] : []),
    ...(idle.length > 0 ? [`${idle.length} actions would restrict nobody:`, ...[...new Set(idle.map(({ rule, action, message }) => `  ${rule}, ${action}: ${message}`))].slice(0, 10)] : []),
    ...tellUntold(untold),
    'Safety and the policies of then are not reckoned with: protected pods, budgets and exceptions may leave more as it is, and so may NetworkPolicies that add up. Counts are of whole buckets of five minutes.',
  ]
}

const MEANING: Readonly<Record<TouchedTotal['of'], string>> = {
  attack: 'may be part of an attack', suspect: 'went on beside an attack, from the same source', legitimate: 'are legitimate: their source had no open detection',
}

const totalLine = ({ effect, of, connections, pods, workloads, ports }: TouchedTotal): string =>
  `${effect}: ${connections} connections of ${pods} pods, ${workloads} workloads and ${ports} ports, which ${MEANING[of]}.`
