import type { Command } from 'commander'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../core/errors.ts'
import { Protected } from '../core/safety/protected.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { apiOption, callApi } from './loop-api.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'
import { budgetsCommand } from './safety-standing.ts'

const Page = Compile(Type.Object({ items: Type.Array(Protected), next: Type.Union([Type.String(), Type.Null()]) }))

const COLUMNS: readonly Column<Protected>[] = [
  { title: 'KIND', of: ({ kind }) => kind },
  { title: 'NAME', of: ({ name }) => name },
  { title: 'BY', of: ({ by }) => by },
  { title: 'HOW', of: ({ how }) => how },
]

export function protectedCommand (context: CliContext, done: (status: number) => void): Command {
  const list = verb('list', 'what no restriction may touch, each with how it is known', [
    'autoshield protected list',
    'autoshield protected list -o json | jq -r \'select(.by == "dns") | .how\'',
  ]).addOption(outputOption()).addOption(apiOption())
    .action(async ({ output, api }: { output: OutputFormat, api: string }) => {
      const printer = new RowPrinter(context.stdout, output, COLUMNS)
      for (let next: string | null = ''; next !== null;) {
        const page = await callApi(api, 'GET', `/protected?limit=500${next === '' ? '' : `&cursor=${next}`}`)
        if (!Page.Check(page)) throw new AutoshieldError('BAD_DATA', `What ${api} answered is no list of what is protected: is it this version's AutoShield?`)
        for (const one of page.items) await printer.print(one)
        next = page.next
      }
      await printer.end('nothing is protected')
      done(EXIT.ok)
    })
  return verb('protected', 'what no restriction may touch, and what is used up of what may be done', ['autoshield protected list', 'autoshield protected budgets']).addCommand(list).addCommand(budgetsCommand(context, done))
}
