import { type Command, Option } from 'commander'
import { readStore } from '../adapters/store/object-store.ts'
import { AutoshieldError } from '../core/errors.ts'
import { tryPolicy, type Tried, type TriedRule } from '../core/policy/try-policy.ts'
import type { Detection } from '../core/verdict/detection.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { detectionsFile } from './detections-file.ts'
import { endOf } from './detections.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'
import { judgingIn, tellUntold, zoneOption } from './judging.ts'
import { goodPolicyInput } from './policy-input.ts'
import { type ClassesFlags, classesFor, classesOptions } from './rule-classes.ts'

/** A detection and one rule that fires for it; null: none does. */
interface Row extends Omit<Tried, 'rules'> { readonly rule: TriedRule | null }

const COLUMNS: readonly Column<Row>[] = [
  { title: 'DETECTION', of: ({ detection }) => detection.id },
  { title: 'CLASS', of: ({ detection }) => detection.class },
  { title: 'SOURCE', of: ({ detection }) => endOf(detection.source) },
  { title: 'TARGET', of: ({ detection }) => endOf(detection.target) },
  { title: 'RULE', of: ({ rule }) => rule?.id ?? '-' },
  { title: 'WOULD', of: ({ rule }) => rule?.actions.map(({ action, verdict }) => `${verdict} ${action}`).join(', ') ?? 'alert' },
  { title: 'WHY', of: ({ rule, missed }) => rule?.message ?? missed?.message ?? 'the policy has no rule' },
]

interface Flags extends ClassesFlags { detections?: string, zone: string, output: OutputFormat }

export function policyTestCommand (context: CliContext, done: (status: number) => void): Command {
  return classesOptions(verb('test', 'what a policy would make of recorded detections, before it is in force', [
    'autoshield policy test mine.yaml --data .autoshield',
    'autoshield detections list -o json > recorded.jsonl; autoshield policy test threat-policy.yaml --detections recorded.jsonl',
    'autoshield policy test mine.yaml --data .autoshield -o json | jq -r \'select(.rules == []) | .detection.id\'',
  ]).argument('<file>', 'a policy file or a ThreatPolicy (YAML)')
    .addOption(new Option('--detections <file>', 'recorded detections, a line of JSON each, or a page of the API; - reads standard input').conflicts('data'))
    .addOption(new Option('--data <dir>', 'the detections in the store of this folder'))
    .addOption(zoneOption())
    .addOption(outputOption()))
    .action(async (file: string, { detections, data, zone, output, ...flags }: Flags) => {
      const classes = await classesFor({ ...flags, ...data === undefined ? {} : { data } }, context.settings)
      const { policy } = await goodPolicyInput(file, classes)
      const judging = judgingIn(zone, classes)
      const recorded = await detectionsOf(detections, data)
      const tried = recorded.map((detection) => tryPolicy(policy, detection, judging))
      await print(context, output, tried)
      done(EXIT.ok)
    })
}

async function detectionsOf (file: string | undefined, data: string | undefined): Promise<readonly Detection[]> {
  if (file !== undefined) return detectionsFile(file)
  if (data === undefined) throw new AutoshieldError('USAGE', 'Name recorded detections: --data DIR or --detections FILE.')
  using store = readStore(data)
  return store.detections.list()
}

async function print ({ stdout }: CliContext, output: OutputFormat, tried: readonly Tried[]): Promise<void> {
  if (output !== 'table') {
    const printer = new RowPrinter<Tried>(stdout, output, [])
    for (const one of tried) await printer.print(one)
    return
  }
  const printer = new RowPrinter(stdout, output, COLUMNS)
  for (const { rules, ...one } of tried) for (const rule of rules.length === 0 ? [null] : rules) await printer.print({ ...one, rule })
  await printer.end('no detection was recorded')
  stdout.write(`${summary(tried).join('\n')}\n`)
}

/** Counts, and what could not be told. */
function summary (tried: readonly Tried[]): string[] {
  const counts = new Map<string, number>()
  for (const { rules } of tried) for (const { verdict } of rules.flatMap(({ actions }) => actions)) counts.set(verdict, (counts.get(verdict) ?? 0) + 1)
  const none = tried.filter(({ rules }) => rules.length === 0).length
  const verdicts = [...counts].sort().map(([verdict, count]) => `${verdict} ${count}`)
  return [
    `${tried.length} detections, ${none} of them without a rule that fires; actions: ${verdicts.length === 0 ? 'none' : verdicts.join(', ')}`,
    'What is to be mitigated safety still looks at: protected pods, budgets, blast radius and exceptions are those of the moment.',
    ...tellUntold(tried.map(({ untold }) => untold)),
  ]
}
