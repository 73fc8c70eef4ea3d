import { type Command, Option } from 'commander'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { readStore } from '../adapters/store/object-store.ts'
import { AutoshieldError } from '../core/errors.ts'
import { Decision } from '../core/policy/decision.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { outlookCommand } from './decision-outlook.ts'
import { apiOption, callApi } from './loop-api.ts'
import { type Column, outputOption, type OutputFormat, plain, RowPrinter } from './output.ts'

const Page = Compile(Type.Object({ items: Type.Array(Decision), next: Type.Union([Type.String(), Type.Null()]) }))
const Answered = Compile(Decision)

const COLUMNS: readonly Column<Decision>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'AT', of: ({ at }) => at },
  { title: 'RULE', of: ({ rule }) => rule },
  { title: 'ACTION', of: ({ action }) => action ?? '-' },
  { title: 'VERDICT', of: ({ verdict }) => verdict },
  { title: 'REASON', of: ({ reason }) => reason },
  { title: 'APPROVAL', of: ({ approval }) => approval?.state ?? '-' },
  { title: 'UNTIL', of: ({ approval }) => approval?.state === 'waiting' ? `${approval.deadline}, then ${approval.then}` : '-' },
  { title: 'WHY', of: ({ message }) => message },
]

interface ListFlags { waiting: boolean, output: OutputFormat, api: string, data?: string }
interface AnswerFlags { reason: string, actor?: string, api: string }

export function decisionsCommand (context: CliContext, done: (status: number) => void): Command {
  const list = verb('list', 'what policy and safety made of detections, newest first', [
    'autoshield decisions list --waiting',
    'autoshield decisions list --data .autoshield',
    'autoshield decisions list -o json | jq -r \'select(.reason == "ProtectedTarget") | .message\'',
  ]).option('--waiting', 'only what waits for a person', false)
    .addOption(new Option('--data <dir>', 'read this data folder, and ask no API').conflicts('api'))
    .addOption(outputOption()).addOption(apiOption())
    .action(async ({ waiting, output, api, data }: ListFlags) => {
      const printer = new RowPrinter(context.stdout, output, COLUMNS)
      if (data !== undefined) {
        using store = readStore(data)
        for (const decision of store.decisions.list()) if (!waiting || decision.approval?.state === 'waiting') await printer.print(decision)
      }
      for (let next: string | null = data === undefined ? '' : null; next !== null;) {
        const page = await callApi(api, 'GET', `/decisions?limit=500${waiting ? '&approval=waiting' : ''}${next === '' ? '' : `&cursor=${next}`}`)
        if (!Page.Check(page)) throw unreadable(api)
        for (const decision of page.items) await printer.print(decision)
        next = page.next
      }
      await printer.end(waiting ? 'nothing waits for a person' : 'nothing was decided')
      done(EXIT.ok)
    })
  const answer = (name: 'approve' | 'reject', summary: string): Command => verb(name, summary, [`autoshield decisions ${name} 7f3a --reason "seen by the on-call"`])
    .argument('<id>').requiredOption('--reason <text>', 'why; it goes into the audit trail')
    .option('--actor <name>', 'who says so').addOption(apiOption())
    .action(async (id: string, { reason, actor, api }: AnswerFlags) => {
      const decision = await callApi(api, 'POST', `/decisions/${encodeURIComponent(id)}/${name}`, { reason, ...(actor !== undefined && { actor }) })
      if (!Answered.Check(decision)) throw unreadable(api)
      context.stdout.write(`${decision.verdict} (${decision.reason}): ${plain(decision.message)}\n`)
      done(EXIT.ok)
    })
  return verb('decisions', 'what was decided, and answering what waits for a person', ['autoshield decisions list --waiting', 'autoshield decisions approve 7f3a --reason "seen"'])
    .addCommand(list)
    .addCommand(outlookCommand(context, done))
    .addCommand(answer('approve', 'agree to what waits; safety is asked again, and what it says then is done'))
    .addCommand(answer('reject', 'say no to what waits; for this detection it is not asked again'))
}

const unreadable = (api: string): AutoshieldError => new AutoshieldError('BAD_DATA', `What ${api} answered is no decision: is it this version's AutoShield?`)
