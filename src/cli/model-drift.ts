import type { Command } from 'commander'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Drift } from '../core/drift/drift.ts'
import { AutoshieldError } from '../core/errors.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { apiOption, callApi } from './loop-api.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'

const Answer = Compile(Type.Object({ items: Type.Array(Drift) }))
/** Features that a row names. */
const NAMED = 3

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

const COLUMNS: readonly Column<Drift>[] = [
  { title: 'NAMESPACE', of: ({ namespace }) => namespace },
  { title: 'WINDOWS', of: ({ windows }) => String(windows) },
  { title: 'STANDING', of: ({ standing }) => standing },
  { title: 'UNKNOWN', of: ({ unknown }) => percent(unknown) },
  { title: 'LIMIT', of: ({ limit }) => percent(limit) },
  { title: 'MOST OF', of: ({ features }) => features.slice(0, NAMED).map(({ feature, unknown }) => `${feature} ${percent(unknown)}`).join(', ') },
]

export function driftCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('drift', 'how much of each namespace\'s traffic the model was not trained on', [
    'autoshield model drift',
    'autoshield model drift -o json | jq -r \'select(.standing == "unfamiliar") | .namespace\'',
  ]).addOption(outputOption()).addOption(apiOption())
    .action(async ({ output, api }: { output: OutputFormat, api: string }) => {
      const answer = await callApi(api, 'GET', '/drift')
      if (!Answer.Check(answer)) throw new AutoshieldError('BAD_DATA', `What ${api} answered says nothing of drift: is it this version's AutoShield?`)
      const printer = new RowPrinter(context.stdout, output, COLUMNS)
      for (const one of answer.items) await printer.print(one)
      await printer.end('no live traffic has been seen yet, or the model does not say what it was trained on (autoshield model inspect)')
      done(EXIT.ok)
    })
}
