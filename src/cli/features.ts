import type { Command } from 'commander'
import { keyId } from '../core/window/window.ts'
import { type WindowJson, windowToJson } from '../core/window/window-json.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'
import { recordedWindows } from './recorded-windows.ts'

const COLUMNS: readonly Column<{ key: string, window: WindowJson }>[] = [
  { title: 'START', of: ({ window }) => window.start },
  { title: 'STEP', of: ({ window }) => `${window.stepMs / 1000} s` },
  { title: 'KEY', of: ({ key }) => key },
  { title: 'FLOWS', of: ({ window }) => window.features.flow_count },
  { title: 'SENT', of: ({ window }) => window.features.bytes_sent },
  { title: 'RECEIVED', of: ({ window }) => window.features.bytes_received },
  { title: 'SYN', of: ({ window }) => window.features.syn_count },
  { title: 'RST', of: ({ window }) => window.features.rst_count },
  { title: 'FAILED', of: ({ window }) => window.features.failed_conn_ratio.toFixed(2) },
  { title: 'PORTS', of: ({ window }) => window.features.unique_ports },
]

export function featuresCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('features', 'the 12-feature windows of captures', [
    'autoshield features capture.pcap | less',
    'autoshield features capture.pcapng.zst -o json | jq -c "select(.stepMs == 15000)"',
  ]).argument('<capture...>', 'pcap or pcapng files, also packed as .gz or .zst').addOption(outputOption())
    .action(async (paths: string[], { output }: { output: OutputFormat }) => {
      for (const path of paths) {
        // A table waits for its last row to know its widths, so it holds the windows of one capture at a time.
        const table = new RowPrinter(context.stdout, output, COLUMNS)
        const lines = new RowPrinter<WindowJson>(context.stdout, output, [])
        for await (const windows of recordedWindows(path, context)) {
          for (const window of windows) {
            if (output === 'table') await table.print({ key: keyId(window.key), window: windowToJson(window) })
            else await lines.print(windowToJson(window))
          }
        }
        await table.end(`${path}: no IP traffic`)
      }
      done(EXIT.ok)
    })
}
