import { type Command, Option } from 'commander'
import { readAuditTrail } from '../adapters/store/audit-trail.ts'
import { verifyAudit } from '../adapters/store/verify-audit.ts'
import { AutoshieldError } from '../core/errors.ts'
import type { AuditEntry } from '../ports/audit.ts'
import { admissionsCommand } from './audit-admissions.ts'
import { type CliContext, dataOption, EXIT, verb, wholeNumberIn } from './context.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'

const COLUMNS: readonly Column<AuditEntry>[] = [
  { title: 'SEQUENCE', of: (entry) => entry.sequence },
  { title: 'AT', of: (entry) => entry.at },
  { title: 'ACTOR', of: (entry) => entry.actor },
  { title: 'ACTION', of: (entry) => entry.action },
  { title: 'OBJECT', of: (entry) => entry.object },
  { title: 'REASON', of: (entry) => entry.reason },
]

interface SearchFlags { data: string, output: OutputFormat, limit: number, text?: string, actor?: string, action?: string, object?: string, since?: Date }

export function auditCommand (context: CliContext, done: (status: number) => void): Command {
  const search = verb('search', 'what was decided, done and undone, newest first', [
    'autoshield audit search',
    'autoshield audit search --text 10.0.3.7 --since 2026-01-31T12:00:00Z -o json',
  ]).addOption(dataOption()).addOption(outputOption())
    .option('--text <text>', 'only entries that contain this')
    .option('--actor <actor>', 'only what this actor did')
    .option('--action <action>', 'only this action')
    .option('--object <object>', 'only what concerns this object')
    .addOption(new Option('--since <time>', 'only entries at or after this time (ISO 8601)').argParser(time))
    .addOption(new Option('--limit <n>', 'how many entries').argParser(wholeNumberIn(1, 1_000_000)).default(100))
    .action(async ({ data, output, since, ...query }: SearchFlags) => {
      using trail = readAuditTrail(data)
      const printer = new RowPrinter(context.stdout, output, COLUMNS)
      for (const entry of trail.search({ ...query, ...(since === undefined ? {} : { sinceMs: since.getTime() }) })) await printer.print(entry)
      await printer.end('no entry fits')
      done(EXIT.ok)
    })
  const verify = verb('verify', 'prove that no entry was changed, moved or removed', ['autoshield audit verify --data .autoshield'])
    .addOption(dataOption())
    .action(({ data }: { data: string }) => {
      const verdict = verifyAudit(data)
      if (!verdict.ok) throw new AutoshieldError('BAD_DATA', `the audit trail in ${data} is broken at entry ${verdict.sequence}: ${verdict.what}. Entries before it are proved; compare with a backup from there on.`)
      context.stdout.write(`${data}: ${verdict.entries} entries, the chain holds\n`)
      done(EXIT.ok)
    })
  return verb('audit', 'search and prove the audit trail', ['autoshield audit search', 'autoshield audit admissions --since 1h', 'autoshield audit verify'])
    .addCommand(search).addCommand(admissionsCommand(context, done)).addCommand(verify)
}

function time (text: string): Date {
  const value = new Date(text)
  if (Number.isNaN(value.getTime())) throw new AutoshieldError('USAGE', `--since ${text} is no time; write it as 2026-01-31T12:00:00Z.`)
  return value
}
