import { Argument, type Command } from 'commander'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { readStore } from '../adapters/store/object-store.ts'
import { AutoshieldError } from '../core/errors.ts'
import { labelledWindow } from '../core/feedback/labelled-window.ts'
import { Mark, MARK_VERDICTS, type MarkVerdict } from '../core/feedback/mark.ts'
import { Precision } from '../core/feedback/precision.ts'
import { type CliContext, dataOption, EXIT, verb } from './context.ts'
import { endOf } from './exceptions.ts'
import { apiOption, callApi } from './loop-api.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'

const isMark = Compile(Mark)
const isPrecision = Compile(Type.Array(Precision))

export function markCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('mark', 'say whether a detection was a false alarm or what it was said to be', [
    'autoshield detections mark 0f9c1f7e6c1b4c65 false-alarm --reason "the nightly backup" --except 30d',
    'autoshield detections mark 0f9c1f7e6c1b4c65 confirmed --reason "the pen-test of Tuesday"',
  ]).argument('<id>').addArgument(new Argument('<verdict>').choices(MARK_VERDICTS))
    .requiredOption('--reason <text>', 'why; kept in the audit trail and with the window')
    .option('--except <time>', 'let the same class between the same ends be: for 30m, 4h, 7d, or until a time in ISO 8601')
    .option('--actor <name>', 'who says so').addOption(apiOption())
    .action(async (id: string, verdict: MarkVerdict, { reason, except, actor, api }: { reason: string, except?: string, actor?: string, api: string }) => {
      const until = except === undefined ? null : endOf(except, Date.now(), '--except')
      const mark = await callApi(api, 'PUT', `/detections/${encodeURIComponent(id)}/mark`, { verdict, reason, ...(until !== null && { exceptUntil: until }), ...(actor !== undefined && { actor }) })
      if (!isMark.Check(mark)) throw unreadable(api)
      context.stdout.write(`${mark.class} ${id}: ${verdict}${mark.exception === null ? '' : `; exception ${mark.exception} holds until ${until ?? ''}`}\n`)
      done(EXIT.ok)
    })
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`
const COLUMNS: readonly Column<Precision>[] = [
  { title: 'CLASS', of: ({ class: name }) => name },
  { title: 'NAMESPACE', of: ({ namespace }) => namespace ?? '-' },
  { title: 'CONFIRMED', of: ({ confirmed }) => confirmed },
  { title: 'FALSE ALARMS', of: ({ falseAlarms }) => falseAlarms },
  { title: 'PRECISION', of: ({ precision }) => percent(precision) },
  { title: '95 % INTERVAL', of: ({ low, high }) => `${percent(low)} to ${percent(high)}` },
]

export function precisionCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('precision', 'how often detections were what they were said to be, by class and namespace, as people marked them', [
    'autoshield detections precision',
  ]).addOption(outputOption()).addOption(apiOption())
    .addHelpText('after', 'Replays are left out. The namespace is the target\'s, or else the source\'s.\n')
    .action(async ({ output, api }: { output: OutputFormat, api: string }) => {
      const rows = await callApi(api, 'GET', '/precision')
      if (!isPrecision.Check(rows)) throw unreadable(api)
      const printer = new RowPrinter(context.stdout, output, COLUMNS)
      for (const row of rows) await printer.print(row)
      await printer.end('no detection of live traffic was marked')
      done(EXIT.ok)
    })
}

export function exportCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('export', 'windows that people labelled by marking detections, for the next training', [
    'autoshield detections export --marked > marked.jsonl',
    'node models/training/export.ts --lab RUNS --marked marked.jsonl --out dataset',
  ]).requiredOption('--marked', 'those that were marked: others have no label').addOption(dataOption())
    .addHelpText('after', 'One JSON object a line. A false alarm is BENIGN, a confirmed detection of its class.\n')
    .action(async ({ data }: { data: string }) => {
      using store = readStore(data)
      const marks = store.marks.list()
      const windows = marks.map(labelledWindow).filter((window) => window !== null)
      const printer = new RowPrinter(context.stdout, 'json', [])
      for (const window of windows) await printer.print(window)
      context.stderr.write(`autoshield: ${windows.length} windows of ${marks.length} marks; the others have none that was kept, or one of other columns\n`)
      done(EXIT.ok)
    })
}

const unreadable = (api: string): AutoshieldError => new AutoshieldError('BAD_DATA', `What ${api} answered cannot be understood: is it this version's AutoShield?`)
