import type { Command } from 'commander'
import { readStore } from '../adapters/store/object-store.ts'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../core/errors.ts'
import { PlanEffect } from '../core/plan/effect.ts'
import type { Mitigation } from '../core/mitigation/mitigation.ts'
import { type CliContext, dataOption, EXIT, verb } from './context.ts'
import { apiOption, callApi } from './loop-api.ts'
import { printEffect } from './print-effect.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'

const COLUMNS: readonly Column<Mitigation>[] = [
  { title: 'NAME', of: ({ metadata }) => metadata.name },
  { title: 'ACTION', of: ({ spec }) => spec.action },
  { title: 'SUBJECT', of: ({ spec }) => spec.node !== undefined ? `node ${spec.node.name}` : spec.subject === 'anySource' ? 'any source' : spec.subject.addresses.join(',') },
  { title: 'VICTIMS', of: ({ spec }) => spec.victims.flatMap(({ addresses }) => addresses).join(',') },
  { title: 'PHASE', of: ({ status }) => status.simulated ? `${status.phase} (simulated)` : status.phase },
  { title: 'PROGRAMMED', of: (mitigation) => condition(mitigation, 'Programmed') },
  { title: 'ENFORCING', of: (mitigation) => condition(mitigation, 'Enforcing') },
  { title: 'EXPIRES', of: ({ spec }) => spec.expiresAt },
  { title: 'RULE', of: ({ spec }) => spec.owner.rule },
]

const Effect = Compile(PlanEffect)

const condition = ({ status }: Mitigation, type: string): string => {
  const found = status.conditions.find((held) => held.type === type)
  return found === undefined ? '-' : `${found.status} (${found.reason})`
}

export function mitigationsCommand (context: CliContext, done: (status: number) => void): Command {
  const list = verb('list', 'the restrictions, newest first', [
    'autoshield mitigations list',
    'autoshield mitigations list --active -o yaml',
  ]).addOption(dataOption()).addOption(outputOption())
    .option('--active', 'only those in force', false)
    .action(async ({ data, output, active }: { data: string, output: OutputFormat, active: boolean }) => {
      using store = readStore(data)
      const printer = new RowPrinter(context.stdout, output, COLUMNS)
      for (const mitigation of store.mitigations.list()) {
        if (!active || mitigation.status.phase === 'active') await printer.print(mitigation)
      }
      await printer.end('nothing is restricted')
      done(EXIT.ok)
    })
  const revert = verb('revert', 'undo a restriction now, in the AutoShield that runs', [
    'autoshield mitigations revert mitigation-7f3a --reason "a backup, not a leak"',
  ]).argument('<name>').requiredOption('--reason <text>', 'why; it goes into the audit trail')
    .addOption(apiOption())
    .action(async (name: string, { reason, api }: { reason: string, api: string }) => {
      await callApi(api, 'POST', `/mitigations/${encodeURIComponent(name)}/revert`, { reason })
      context.stdout.write(`${name}: undone\n`)
      done(EXIT.ok)
    })
  const plan = verb('plan', 'what each way of carrying a restriction by NetworkPolicies does, and why one was taken', [
    'autoshield mitigations plan m-7f3a',
    'autoshield mitigations plan m-7f3a -o json | jq -r \'select(.state == "taken") | .objects[]\'',
  ]).argument('<name>').addOption(outputOption()).addOption(apiOption())
    .action(async (name: string, { output, api }: { output: OutputFormat, api: string }) => {
      const effect = await callApi(api, 'GET', `/mitigations/${encodeURIComponent(name)}/effect`)
      if (!Effect.Check(effect)) throw new AutoshieldError('BAD_DATA', `What ${api} answered is no effect of a mitigation: is it this version's AutoShield?`)
      await printEffect(context, effect, output)
      done(EXIT.ok)
    })
  return verb('mitigations', 'list and undo restrictions', ['autoshield mitigations list']).addCommand(list).addCommand(plan).addCommand(revert)
}
