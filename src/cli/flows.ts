import { type Command, Option } from 'commander'
import { connectionsOf, transportOf, type FlowRecord } from '../core/history/flow-record.ts'
import { endName } from '../core/history/group-tried.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'
import { readRecorded, recordedOptions, type RecordedFlags, tellRecorded } from './recorded-flows.ts'

const COLUMNS: readonly Column<FlowRecord>[] = [
  { title: 'SOURCE', of: ({ source }) => endName(source) },
  { title: 'DESTINATION', of: ({ destination }) => destination.service === null ? endName(destination) : `${destination.service.namespace}/Service/${destination.service.name}` },
  { title: 'PORT', of: ({ protocol, port }) => `${transportOf(protocol) ?? `protocol ${protocol}`}${port === 0 ? '' : ` ${port}`}` },
  { title: 'CONNECTIONS', of: connectionsOf },
  { title: 'FAILED', of: ({ failed }) => failed },
  { title: 'SENT', of: ({ bytesSent }) => bytesSent },
  { title: 'RECEIVED', of: ({ bytesReceived }) => bytesReceived },
  { title: 'FIRST SEEN', of: ({ firstMs }) => new Date(firstMs).toISOString().slice(0, 16) },
  { title: 'LAST SEEN', of: ({ lastMs }) => new Date(lastMs).toISOString().slice(0, 16) },
  { title: 'BY', of: ({ witness }) => witness },
]

export function flowsCommand (context: CliContext, done: (status: number) => void): Command {
  const flows = verb('flows', 'who talked to whom, at which port and how often; kept for a day', [
    'autoshield flows --since 1h --namespace shop',
    'autoshield flows -o json | jq \'select(.failed > 0)\'',
  ]).addOption(outputOption())
    .addOption(new Option('--namespace <name>', 'only flows with an end in this namespace'))
  return recordedOptions(flows).action(async ({ output, namespace, ...flags }: RecordedFlags & { output: OutputFormat, namespace?: string }) => {
    const recorded = await readRecorded(flags, { namespace })
    const printer = new RowPrinter(context.stdout, output, COLUMNS)
    for (const record of recorded.records.toSorted((one, other) => connectionsOf(other) - connectionsOf(one))) await printer.print(record)
    await printer.end('no flows were recorded')
    context.stderr.write(`${tellRecorded(recorded)}\n`)
    done(EXIT.ok)
  })
}
