import type { Command } from 'commander'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../core/errors.ts'
import { Outlook } from '../core/plan/outlook.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { apiOption, callApi } from './loop-api.ts'
import { outputOption, type OutputFormat, plain, RowPrinter } from './output.ts'
import { printEffect } from './print-effect.ts'

const Told = Compile(Outlook)

/** `decisions outlook`: what a yes would do, before anybody says it. */
export function outlookCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('outlook', 'what a yes to what waits would do: flows it cuts, legitimate traffic it costs, pods it touches', [
    'autoshield decisions outlook 7f3a',
    'autoshield decisions outlook 7f3a -o json | jq .flows.effect.options',
  ]).argument('<id>').addOption(outputOption()).addOption(apiOption())
    .action(async (id: string, { output, api }: { output: OutputFormat, api: string }) => {
      const outlook = await callApi(api, 'GET', `/decisions/${encodeURIComponent(id)}/outlook`)
      if (!Told.Check(outlook)) throw new AutoshieldError('BAD_DATA', `What ${api} answered is no outlook of a decision: is it this version's AutoShield?`)
      if (output === 'table') {
        context.stdout.write(linesOf(outlook).map((line) => `${plain(line)}\n`).join(''))
        if (outlook.flows.state === 'reckoned') await printEffect(context, outlook.flows.effect, output)
      } else await new RowPrinter<Outlook>(context.stdout, output, []).print(outlook)
      done(EXIT.ok)
    })
}

function linesOf ({ decision: { verdict, reason, message }, touches: { total, listed }, targets, expiresAt, undo, flows }: Outlook): string[] {
  const named = listed.slice(0, 5).map(({ namespace, name }) => `${namespace}/${name}`).join(', ')
  return [
    `a yes now: ${verdict} (${reason}): ${message}`,
    `touches: ${total === 0 ? 'no pod' : `${total} pod${total === 1 ? '' : 's'}: ${named}${total > 5 ? ` and ${total - 5} more` : ''}`}`,
    ...(targets.length === 0 ? [] : [`writes: ${targets.join(', ')}`]),
    ...(expiresAt === null ? [] : [`ends: ${expiresAt}`]),
    `undo: ${undo}`,
    ...(flows.state === 'reckoned' ? [] : [`flows: ${flows.why}`]),
  ]
}
