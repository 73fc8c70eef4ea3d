import type { Command } from 'commander'
import { COVERAGE_STATES, type PodCoverage } from '../core/coverage/judge-pod.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { findCoverage } from './find-coverage.ts'
import { type KubernetesFlags, kubernetesOptions, openFrom } from './kubernetes-option.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'

const COLUMNS: readonly Column<PodCoverage>[] = [
  { title: 'NAMESPACE', of: ({ namespace }) => namespace },
  { title: 'POD', of: ({ name }) => name },
  { title: 'WORKLOAD', of: ({ workload }) => workload },
  { title: 'STATE', of: ({ state }) => state },
  { title: 'REASON', of: ({ reason }) => reason },
  { title: 'WHY', of: ({ message }) => message },
  { title: 'MEND', of: ({ mend }) => mend },
]

interface Flags extends KubernetesFlags { namespace?: string, autoshieldNamespace: string, all: boolean, output: OutputFormat }

export function coverageCommand (context: CliContext, done: (status: number) => void): Command {
  return kubernetesOptions(verb('coverage', 'which pods that should be observed are, and why the others are not', [
    'autoshield coverage',
    'autoshield coverage --namespace shop --all',
    'autoshield coverage -o json | jq -r \'select(.state == "missed") | .name\'',
  ]).option('-n, --namespace <name>', 'only this namespace')
    .option('--autoshield-namespace <name>', 'where AutoShield is installed', 'autoshield')
    .option('--all', 'list the observed pods too', false)
    .addOption(outputOption()))
    .action(async ({ namespace, autoshieldNamespace, all, output, ...flags }: Flags) => {
      const api = openFrom(context, flags)
      const rows = await findCoverage(api, { ownNamespace: autoshieldNamespace, ...namespace === undefined ? {} : { namespace } })
      const printer = new RowPrinter(context.stdout, output, COLUMNS)
      for (const row of rows) if (all || row.state !== 'observed') await printer.print(row)
      await printer.end(rows.length === 0 ? 'no pod asks to be observed: label a namespace with \'kubectl label namespace NAME autoshield.dev/injection=enabled\'' : 'every pod that asks for it is observed')
      const counts = COVERAGE_STATES.map((state) => [rows.filter((row) => row.state === state).length, state] as const).filter(([count]) => count > 0)
      context.stderr.write(`${rows.length} pods: ${counts.map(([count, state]) => `${count} ${state}`).join(', ')}\n`)
      done(rows.some(({ state }) => state === 'missed' || state === 'stale' || state === 'silent') ? EXIT.findings : EXIT.ok)
    })
}
