import { type Command, Option } from 'commander'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../core/errors.ts'
import { Baseline, KNOWN_FOR, MAX_TAUGHT_DAYS } from '../core/evidence/baseline-entry.ts'
import { allPages } from './api-pages.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { endOf } from './exceptions.ts'
import { apiOption, callApi } from './loop-api.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'

const check = Compile(Baseline)
const forgotten = Compile(Type.Object({ forgotten: Type.Integer() }))

const COLUMNS: readonly Column<Baseline>[] = [
  { title: 'SOURCE', of: ({ source }) => source ?? 'any' },
  { title: 'TARGET', of: ({ target }) => target ?? 'any' },
  { title: 'KNOWN FOR', of: ({ knownFor }) => knownFor },
  { title: 'PORT', of: ({ port }) => port ?? '-' },
  { title: 'STEP', of: ({ stepMs }) => stepMs === null ? '-' : `${stepMs / 1000} s` },
  { title: 'USUAL', of: ({ amount }) => amount === null ? '-' : Math.round(amount) },
  { title: 'HOURS', of: ({ hours, taught }) => taught === null ? `${hours}/4` : '-' },
  { title: 'KNOWN', of: ({ known }) => known ? 'yes' : 'not yet' },
  { title: 'EXPIRES', of: ({ expires }) => expires },
  { title: 'BY', of: ({ taught }) => taught === null ? 'learnt' : `${taught.by}: ${taught.reason}` },
]

const NAMES = 'NAMESPACE/KIND/NAME of a workload, such as shop/Deployment/web, or an address'

export function baselinesCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('baselines', 'what workloads are known for, which speaks against detections: list, learn, forget', ['autoshield baselines list --workload shop/Deployment/web'])
    .addCommand(listCommand(context, done)).addCommand(learnCommand(context, done)).addCommand(forgetCommand(context, done))
}

function listCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('list', 'what is known of whom: which ports are used, how much is sent, how many sessions are begun, how many ports are reached', [
    'autoshield baselines list', 'autoshield baselines list --workload monitoring/Deployment/prometheus --known -o json',
  ]).option('--workload <who>', `that has it as an end: ${NAMES}`)
    .option('--known', 'without what is still being learnt')
    .addOption(outputOption()).addOption(apiOption())
    .action(async ({ workload, known, output, api }: { workload?: string, known?: true, output: OutputFormat, api: string }) => {
      const query = new URLSearchParams({ ...(workload !== undefined && { workload }), ...(known === true && { known: 'true' }) }).toString()
      const printer = new RowPrinter(context.stdout, output, COLUMNS)
      for (const baseline of await allPages(api, `/baselines${query === '' ? '' : `?${query}`}`, Baseline)) await printer.print(baseline)
      await printer.end('nothing is known yet: a use is, after four different hours without suspicion')
      done(EXIT.ok)
    })
}

interface LearnFlags { source?: string, target?: string, knownFor: string, port?: string, amount?: string, until: string, reason: string, actor?: string, api: string }

function learnCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('learn', 'say what somebody is known for, until a time', [
    'autoshield baselines learn --source ops/StatefulSet/bastion --known-for sessions --port 22 --amount 200 --until 30d --reason "it logs in everywhere"',
    'autoshield baselines learn --source shop/StatefulSet/db --target ops/Deployment/backup --known-for upload --amount 5e9 --until 90d --reason "the nightly copy"',
  ]).option('--source <who>', `who does it: ${NAMES}; anybody unless given`)
    .option('--target <who>', 'to whom, named likewise; anybody unless given')
    .addOption(new Option('--known-for <what>', 'use: of a port; upload: bytes; sessions: begun at a port that asks who one is; breadth: ports that are used').choices(KNOWN_FOR).makeOptionMandatory())
    .option('--port <port>', 'responder port, of a use and of sessions')
    .option('--amount <count>', 'how much is usual over the twenty windows of a step, of all but a use: bytes, sessions or ports')
    .requiredOption('--until <time>', `when it ends: 30m, 4h, 7d, or a time in ISO 8601; at most ${MAX_TAUGHT_DAYS} days from now`)
    .requiredOption('--reason <text>', 'why; it goes into the audit trail')
    .option('--actor <name>', 'who says so')
    .addOption(apiOption())
    .action(async ({ source, target, knownFor, port, amount, until, reason, actor, api }: LearnFlags) => {
      const spec = {
        ...(source !== undefined && { source }),
        ...(target !== undefined && { target }),
        knownFor,
        ...(port !== undefined && { port: numberOf('--port', port) }),
        ...(amount !== undefined && { amount: numberOf('--amount', amount) }),
        until: endOf(until, Date.now()),
        reason,
      }
      const said = await callApi(api, 'POST', '/baselines', { spec, ...(actor !== undefined && { actor }) })
      if (!check.Check(said)) throw unreadable(api)
      context.stdout.write(`${said.source ?? 'any'} > ${said.target ?? 'any'}: known for ${said.knownFor}${said.port === null ? '' : ` at port ${said.port}`} until ${said.expires}\n`)
      done(EXIT.ok)
    })
}

function forgetCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('forget', 'forget what somebody is known for; it is learnt anew', [
    'autoshield baselines forget shop/Deployment/web --reason "it was broken into"',
    'autoshield baselines forget "shop/Deployment/web>shop/StatefulSet/db" --port 22 --reason "nobody logs in there any more"',
  ]).argument('<workload-or-pair>', `${NAMES}, with all that it is an end of; or "SOURCE>TARGET", with * for any`)
    .option('--port <port>', 'what is of this port alone')
    .requiredOption('--reason <text>', 'why; it goes into the audit trail')
    .option('--actor <name>', 'who says so').addOption(apiOption())
    .action(async (of: string, { port, reason, actor, api }: { port?: string, reason: string, actor?: string, api: string }) => {
      const answer = await callApi(api, 'POST', '/baselines/forget', { of, ...(port !== undefined && { port: numberOf('--port', port) }), reason, ...(actor !== undefined && { actor }) })
      if (!forgotten.Check(answer)) throw unreadable(api)
      context.stdout.write(`${of}: ${answer.forgotten} forgotten\n`)
      done(EXIT.ok)
    })
}

function numberOf (flag: string, text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new AutoshieldError('USAGE', `${flag} ${text} is no number.`)
  return value
}

const unreadable = (api: string): AutoshieldError => new AutoshieldError('BAD_DATA', `What ${api} answered is no baseline: is it this version's AutoShield?`)
