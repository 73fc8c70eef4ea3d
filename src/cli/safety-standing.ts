import type { Command } from 'commander'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../core/errors.ts'
import { type BreakerStanding, type LaneStanding, SafetyStanding } from '../core/safety/standing.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { apiOption, callApi } from './loop-api.ts'
import { outputOption, type OutputFormat, RowPrinter } from './output.ts'

const Told = Compile(SafetyStanding)

interface Row { readonly lane: string, readonly whose: string, readonly name: string, readonly used: number, readonly most: number }

/** `protected budgets`: what is used up of what may be done, and the circuit breaker. */
export function budgetsCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('budgets', 'actions of the last minute by rule, victim and source, beside what each may have, and the circuit breaker', [
    'autoshield protected budgets',
    'autoshield protected budgets -o json | jq .enforced.breaker',
  ]).addOption(outputOption()).addOption(apiOption())
    .action(async ({ output, api }: { output: OutputFormat, api: string }) => {
      const standing = await callApi(api, 'GET', '/safety')
      if (!Told.Check(standing)) throw new AutoshieldError('BAD_DATA', `What ${api} answered does not say how safety stands: is it this version's AutoShield?`)
      if (output === 'table') await printTable(context, standing)
      else await new RowPrinter<SafetyStanding>(context.stdout, output, []).print(standing)
      done(EXIT.ok)
    })
}

async function printTable ({ stdout }: Pick<CliContext, 'stdout'>, { actuation, enforced, simulated }: SafetyStanding): Promise<void> {
  if (actuation === 'off') stdout.write('actuation is off: everything is decided and nothing done\n')
  stdout.write(`circuit: ${breakerWords(enforced)}\n`)
  if (simulated.breaker.state !== 'closed') stdout.write(`circuit of what is simulated: ${breakerWords(simulated)}\n`)
  const printer = new RowPrinter<Row>(stdout, 'table', [
    { title: 'LANE', of: ({ lane }) => lane }, { title: 'WHOSE', of: ({ whose }) => whose }, { title: 'NAME', of: ({ name }) => name }, { title: 'USED', of: ({ used }) => used }, { title: 'MOST A MINUTE', of: ({ most }) => most },
  ])
  for (const row of [...rowsOf('enforced', enforced), ...(simulated.actions.used > 0 ? rowsOf('simulated', simulated) : [])]) await printer.print(row)
  await printer.end('nothing may be done')
}

function rowsOf (lane: string, { actions, rules, victims, sources }: LaneStanding): Row[] {
  const of = (whose: string, { most, listed }: LaneStanding['rules']): Row[] => listed.map(({ name, used }) => ({ lane, whose, name, used, most }))
  return [{ lane, whose: 'all', name: '-', ...actions }, ...of('rule', rules), ...of('victim', victims), ...of('source', sources)]
}

function breakerWords ({ breaker, failures, refusals, regrets }: LaneStanding): string {
  const counted = `${failures.counted} of ${failures.opensAt} failures, ${refusals.counted} of ${refusals.opensAt} refusals, ${regrets.counted} of ${regrets.opensAt} regrets`
  return `${stateWords(breaker)} (${counted})`
}

function stateWords (breaker: BreakerStanding): string {
  switch (breaker.state) {
    case 'closed': return 'closed'
    case 'open': return `open until ${breaker.until}; nothing new is done`
    case 'half-open': return breaker.trial === 'awaited' ? 'half-open; the next action is the trial' : `half-open; a trial is under way since ${breaker.since}, another is let through at ${breaker.nextAt}`
  }
}
