import type { Command } from 'commander'
import { cleanUp, type LeftOver } from '../controller/actuation/cleanup.ts'
import { AutoshieldError } from '../core/errors.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { type KubernetesFlags, kubernetesOptions, openFrom } from './kubernetes-option.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'

interface Flags extends KubernetesFlags { yes: boolean, autoshieldNamespace: string, output: OutputFormat }

const COLUMNS: readonly Column<LeftOver>[] = [
  { title: 'KIND', of: ({ kind }) => kind },
  { title: 'NAME', of: ({ namespace, name }) => `${namespace}/${name}` },
  { title: 'OUTCOME', of: ({ outcome }) => outcome },
  { title: 'WHY', of: ({ why, message }) => message === '' ? why : `${why}; ${message}` },
]

export function cleanupCommand (context: CliContext, done: (status: number) => void): Command {
  return kubernetesOptions(verb('cleanup', 'take away what a controller that is gone left of its mitigations in a cluster', [
    'autoshield cleanup',
    'autoshield cleanup --yes',
  ])).addOption(outputOption())
    .option('--yes', 'take it away; without, it is only listed', false)
    .option('--autoshield-namespace <name>', 'where AutoShield is or was installed', 'autoshield')
    .addHelpText('after', `
NetworkPolicies of mitigations that ended or do not exist, and labels of pods that no policy asks for. What mitigations in force ask for
stays; other people's objects are never touched. It needs nothing of AutoShield that runs, and may be repeated. Ends with 79 where
something is left.
`)
    .action(async ({ yes, autoshieldNamespace, output, ...flags }: Flags) => {
      using api = openFrom(context, flags)
      const printer = new RowPrinter(context.stdout, output, COLUMNS)
      const outcomes = new Set<LeftOver['outcome']>()
      for await (const left of cleanUp(api, { ownNamespace: autoshieldNamespace, remove: yes, nowMs: Date.now() })) {
        outcomes.add(left.outcome)
        await printer.print(left)
      }
      await printer.end('nothing is left over')
      if (outcomes.has('failed')) throw new AutoshieldError('UNAVAILABLE', 'not everything could be taken away; mend what is named above and repeat the command.')
      done(outcomes.has('found') ? EXIT.findings : EXIT.ok)
    })
}
