import type { Command } from 'commander'
import { readStore } from '../adapters/store/object-store.ts'
import type { Detection } from '../core/verdict/detection.ts'
import { type CliContext, dataOption, EXIT, verb } from './context.ts'
import { exportCommand, markCommand, precisionCommand } from './detections-feedback.ts'
import { showCommand } from './explain.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'

export const endOf = (end: Detection['source']): string => end === null ? 'any' : end.name === undefined ? end.address : `${end.namespace ?? ''}/${end.name}`

const columns = (saidOf: (id: string) => string): readonly Column<Detection>[] => [
  { title: 'ID', of: ({ id }) => id },
  { title: 'CLASS', of: ({ class: name }) => name },
  { title: 'SOURCE', of: ({ source }) => endOf(source) },
  { title: 'TARGET', of: ({ target }) => endOf(target) },
  { title: 'PHASE', of: ({ phase, simulated }) => simulated ? `${phase} (simulated)` : phase },
  { title: 'CONFIDENCE', of: ({ confidence }) => confidence.toFixed(3) },
  { title: 'FIRST SEEN', of: ({ firstSeen }) => firstSeen },
  { title: 'LAST SEEN', of: ({ lastSeen }) => lastSeen },
  { title: 'SAID', of: ({ id }) => saidOf(id) },
]

export function detectionsCommand (context: CliContext, done: (status: number) => void): Command {
  const list = verb('list', 'what was detected, newest first', [
    'autoshield detections list',
    'autoshield detections list -o json > recorded.jsonl   # to try a policy on: autoshield policy test',
  ]).addOption(dataOption()).addOption(outputOption())
    .action(async ({ data, output }: { data: string, output: OutputFormat }) => {
      using store = readStore(data)
      const printer = new RowPrinter(context.stdout, output, columns((id) => store.marks.get(id)?.verdict ?? '-'))
      for (const detection of store.detections.list()) await printer.print(detection)
      await printer.end('nothing was detected')
      done(EXIT.ok)
    })
  return verb('detections', 'what was detected, and what people say of it', ['autoshield detections list'])
    .addCommand(list).addCommand(showCommand(context, done)).addCommand(markCommand(context, done)).addCommand(precisionCommand(context, done)).addCommand(exportCommand(context, done))
}
