import type { Command } from 'commander'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../core/errors.ts'
import { Exception, ExceptionSpec, MAX_EXCEPTION_DAYS, type Whom } from '../core/exception/exception.ts'
import { readWhom, WHOM_FORMS, whomWords } from '../core/exception/whom.ts'
import { ACTION_TYPES } from '../core/policy/action-type.ts'
import { SEVERITIES } from '../core/policy/rule.ts'
import { type CliContext, EXIT, verb } from './context.ts'
import { apiOption, callApi } from './loop-api.ts'
import { type Column, outputOption, type OutputFormat, plain, RowPrinter } from './output.ts'

const specCheck = Compile(ExceptionSpec)
const check = Compile(Exception)
const page = Compile(Type.Object({ items: Type.Array(Exception) }))

/** The spec as far as it can be understood: what somebody wrote badly is shown as such. */
const of = (get: (spec: ExceptionSpec) => string) => ({ spec }: Exception): string => specCheck.Check(spec) ? plain(get(spec)) : '?'

const COLUMNS: readonly Column<Exception>[] = [
  { title: 'NAME', of: ({ metadata }) => metadata.name },
  { title: 'ACTIVE', of: ({ status }) => status?.conditions.find(({ type }) => type === 'Active')?.status ?? '-' },
  { title: 'SOURCE', of: of(({ source }) => whomWords(source)) },
  { title: 'TARGET', of: of(({ target }) => whomWords(target)) },
  { title: 'CLASSES', of: of(({ classes }) => classes.join(',')) },
  { title: 'UP TO', of: of(({ upToSeverity }) => upToSeverity) },
  { title: 'ACTIONS', of: of(({ actions }) => actions?.join(',') ?? 'all') },
  { title: 'UNTIL', of: of(({ until }) => until) },
  { title: 'COVERED', of: ({ status }) => status?.covered ?? 0 },
  { title: 'BY', of: of(({ by }) => by) },
  { title: 'WHY', of: of(({ reason }) => reason) },
]

export function exceptionsCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('exceptions', 'what is let be for a while: list, add, remove', ['autoshield exceptions list'])
    .addCommand(listCommand(context, done)).addCommand(addCommand(context, done)).addCommand(removeCommand(context, done))
}

function listCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('list', 'exceptions by name', ['autoshield exceptions list', 'autoshield exceptions list -o yaml'])
    .addOption(outputOption()).addOption(apiOption())
    .action(async ({ output, api }: { output: OutputFormat, api: string }) => {
      const answer = await callApi(api, 'GET', '/exceptions?limit=500')
      if (!page.Check(answer)) throw unreadable(api)
      const printer = new RowPrinter(context.stdout, output, COLUMNS)
      for (const exception of answer.items) await printer.print(exception)
      await printer.end('nothing is excepted')
      done(EXIT.ok)
    })
}

const many = (value: string, before: readonly string[]): readonly string[] => [...before, ...value.split(',')]
interface AddFlags { source?: Whom, target?: Whom, class: string[], action: string[], upToSeverity: string, until: string, reason: string, actor?: string, api: string }

function addCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('add', 'let attacks of named classes by or on somebody be, until a time; what they restrict now ends', [
    'autoshield exceptions add backup --source shop/backup-0 --class DATA_EXFILTRATION --up-to-severity critical --until 4h --reason "the nightly copy"',
    'autoshield exceptions add scanner --source 10.9.0.7 --class PORT_SCAN,BRUTE_FORCE --up-to-severity high --until 2026-12-01T06:00:00Z --reason "audit week"',
    'autoshield exceptions add load --target shop/app=web --class SYN_FLOOD --action traffic_throttle --up-to-severity high --until 1d --reason "a load test"',
  ]).argument('<name>')
    .option('--source <who>', `whose attacks: ${WHOM_FORMS}`, whomOf)
    .option('--target <who>', 'attacks on whom, written likewise', whomOf)
    .requiredOption('--class <names>', 'classes of the detections, by commas', many, [])
    .option('--action <types>', `actions that are not taken, by commas: ${ACTION_TYPES.join(', ')}; all unless given`, many, [])
    .requiredOption('--up-to-severity <severity>', `rules above it are followed all the same: ${SEVERITIES.join(', ')}`)
    .requiredOption('--until <time>', `when it ends: 30m, 4h, 7d, or a time in ISO 8601; at most ${MAX_EXCEPTION_DAYS} days from now`)
    .requiredOption('--reason <text>', 'why; it goes into the audit trail and onto the object')
    .option('--actor <name>', 'who says so')
    .addOption(apiOption())
    .action(async (name: string, { source, target, class: classes, action, upToSeverity, until, reason, actor, api }: AddFlags) => {
      const spec = {
        ...(source !== undefined && { source }),
        ...(target !== undefined && { target }),
        classes,
        ...(action.length > 0 && { actions: action }),
        upToSeverity,
        until: endOf(until, Date.now()),
        reason,
      }
      const made = await callApi(api, 'PUT', `/exceptions/${encodeURIComponent(name)}`, { spec, ...(actor !== undefined && { actor }) })
      if (!check.Check(made)) throw unreadable(api)
      context.stdout.write(`${name}: holds until ${spec.until}\n`)
      done(EXIT.ok)
    })
}

function removeCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('remove', 'end an exception now', ['autoshield exceptions remove backup --reason "it is over"'])
    .argument('<name>').requiredOption('--reason <text>', 'why; it goes into the audit trail')
    .option('--actor <name>', 'who says so').addOption(apiOption())
    .action(async (name: string, { reason, actor, api }: { reason: string, actor?: string, api: string }) => {
      const query = new URLSearchParams({ reason, ...(actor !== undefined && { actor }) })
      await callApi(api, 'DELETE', `/exceptions/${encodeURIComponent(name)}?${query.toString()}`)
      context.stdout.write(`${name}: removed\n`)
      done(EXIT.ok)
    })
}

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** ISO 8601 of an end that was written as a time, or as how long from now. Throws USAGE. */
export function endOf (text: string, nowMs: number, flag = '--until'): string {
  const [, amount, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  const ms = unit === undefined ? Date.parse(/^\d{4}-\d\d-\d\dT/.test(text) ? text : '') : nowMs + Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS]
  if (Number.isNaN(ms)) throw new AutoshieldError('USAGE', `${flag} ${text} is no time: write 30m, 4h, 7d, or one such as 2026-12-01T06:00:00Z.`)
  return new Date(ms).toISOString()
}

/** Who is meant by a text such as `shop/db-0`, `shop/*`, `shop/app=web`, `10.0.0.7`. Throws USAGE. */
function whomOf (text: string): Whom {
  const whom = readWhom(text)
  if (whom === null) throw new AutoshieldError('USAGE', `"${text}" names nobody: write ${WHOM_FORMS}.`)
  return whom
}

const unreadable = (api: string): AutoshieldError => new AutoshieldError('BAD_DATA', `What ${api} answered is no exception: is it this version's AutoShield?`)
