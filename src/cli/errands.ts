import type { Command } from 'commander'
import { readStore } from '../adapters/store/object-store.ts'
import { type Errand, isWaiting } from '../core/errand/errand.ts'
import { type CliContext, dataOption, EXIT, verb } from './context.ts'
import { apiOption, callApi } from './loop-api.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'

const COLUMNS: readonly Column<Errand>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'TASK', of: ({ task }) => task.type },
  { title: 'TO', of: ({ task }) => destinationOf(task) },
  { title: 'PHASE', of: ({ state }) => state.phase },
  { title: 'REASON', of: ({ reason }) => reason },
  { title: 'ATTEMPTS', of: ({ attempts }) => attempts },
  { title: 'NEXT', of: ({ state }) => state.phase === 'waiting' ? state.nextAt : '-' },
  { title: 'DEADLINE', of: ({ deadline }) => deadline },
  { title: 'MESSAGE', of: ({ message }) => message },
]

function destinationOf (task: Errand['task']): string {
  switch (task.type) {
    case 'alert': return `channel ${task.channel}`
    case 'webhook': return URL.parse(task.url)?.host ?? task.url
    case 'eviction': return `${task.pod.namespace}/${task.pod.name}`
  }
}

export function errandsCommand (context: CliContext, done: (status: number) => void): Command {
  const list = verb('list', 'messages and evictions, newest first', ['autoshield errands list', 'autoshield errands list --waiting -o yaml'])
    .addOption(dataOption()).addOption(outputOption()).option('--waiting', 'only those that wait', false)
    .action(async ({ data, output, waiting }: { data: string, output: OutputFormat, waiting: boolean }) => {
      using store = readStore(data)
      const printer = new RowPrinter(context.stdout, output, COLUMNS)
      for (const errand of store.errands.list()) if (!waiting || isWaiting(errand)) await printer.print(errand)
      await printer.end('there are none')
      done(EXIT.ok)
    })
  const cancel = verb('cancel', 'give one up that waits, in the AutoShield that runs', ['autoshield errands cancel 91c0a2de77b41f08 --reason "the pod is harmless"'])
    .argument('<id>').requiredOption('--reason <text>', 'why; it goes into the audit trail').addOption(apiOption())
    .action(async (id: string, { reason, api }: { reason: string, api: string }) => {
      await callApi(api, 'POST', `/errands/${encodeURIComponent(id)}/cancel`, { reason })
      context.stdout.write(`${id}: cancelled\n`)
      done(EXIT.ok)
    })
  return verb('errands', 'list and cancel what is done once: messages, evictions', ['autoshield errands list']).addCommand(list).addCommand(cancel)
}
