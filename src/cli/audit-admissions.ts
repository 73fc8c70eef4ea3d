import { type Command, Option } from 'commander'
import { readAuditTrail } from '../adapters/store/audit-trail.ts'
import { ADMISSION_ACTIONS, readTrailEntry, UNKNOWN_ACTOR } from '../controller/admissions/trail-entry.ts'
import { atLeast, FINDING_CODES, SEVERITIES, type FindingCode, type Severity } from '../core/admission/finding.ts'
import type { AuditEntry, AuditTrail } from '../ports/audit.ts'
import { type CliContext, dataOption, EXIT, verb, wholeNumberIn } from './context.ts'
import { type Column, outputOption, type OutputFormat, RowPrinter } from './output.ts'
import { sinceMs } from './since.ts'

const COLUMNS: readonly Column<AuditEntry>[] = [
  { title: 'AT', of: (found) => readTrailEntry(found)?.entry?.at ?? found.at },
  { title: 'USER', of: ({ actor }) => actor },
  { title: 'ACTION', of: ({ action }) => action.slice('admission.'.length) },
  { title: 'OBJECT', of: ({ object }) => object },
  { title: 'RESULT', of: (found) => readTrailEntry(found)?.entry?.allowed === false ? 'denied' : readTrailEntry(found)?.gap == null ? 'allowed' : 'unseen' },
  { title: 'FINDINGS', of: findingsOf },
]

function findingsOf (found: AuditEntry): string {
  const read = readTrailEntry(found)
  if (read?.gap != null) return `${read.gap.count} not seen from ${read.gap.from} to ${read.gap.until} (${read.gap.cause})`
  return read?.entry?.findings.map(({ code, severity }) => `${code} (${severity})`).join(', ') ?? ''
}

interface Flags { data: string, output: OutputFormat, limit: number, since?: number, namespace?: string, user?: string, finding?: FindingCode, severity?: Severity }

/** Entries of one action that are held at a time, a few kB each: this runs beside the controller, in its container. */
const CHUNK = 500
/** An entry is in the trail later than it happened, unless the webhook's clock runs ahead of the controller's. */
const SKEW_MS = 5 * 60_000

export function admissionsCommand (context: CliContext, done: (status: number) => void): Command {
  return verb('admissions', 'who changed what at admission, and what it was found to do, newest first', [
    'autoshield audit admissions --since 1h --namespace shop',
    'autoshield audit admissions --severity high --since 2d -o json',
    'kubectl -n autoshield exec deploy/autoshield-controller -- autoshield audit admissions --data /var/lib/autoshield --user eve@example.org',
  ]).addOption(dataOption()).addOption(outputOption())
    .addOption(new Option('--since <when>', 'only what happened since: 15m, 1h, 2d ago, or a time (ISO 8601)').argParser((text) => sinceMs(text, Date.now())))
    .option('--namespace <name>', 'only what concerns this namespace')
    .option('--user <name>', 'only what this user did')
    .addOption(new Option('--finding <code>', 'only what has this finding').choices(FINDING_CODES))
    .addOption(new Option('--severity <level>', 'only what has a finding at least as grave').choices(SEVERITIES))
    .addOption(new Option('--limit <n>', 'how many entries').argParser(wholeNumberIn(1, 1_000_000)).default(100))
    .action(async ({ data, output, ...flags }: Flags) => {
      using trail = readAuditTrail(data)
      const printer = new RowPrinter(context.stdout, output, COLUMNS)
      for (const entry of admissionsIn(trail, flags)) await printer.print(entry)
      await printer.end('no admission fits')
      done(EXIT.ok)
    })
}

/**
 * What fits, newest first, read only as far as it is asked for. Gaps concern everybody, so they are told with whatever is
 * asked for; only the time bounds them.
 */
export function * admissionsIn (trail: Pick<AuditTrail, 'search'>, flags: Omit<Flags, 'data' | 'output'>): Generator<AuditEntry, void> {
  const { since, user, namespace, finding, limit } = flags
  // The trail's own search narrows by one text; canonical JSON has no spaces.
  const text = finding !== undefined ? `"code":"${finding}"` : namespace === undefined ? undefined : JSON.stringify(namespace)
  const streams = ADMISSION_ACTIONS.map((action) => newestFirst(trail, {
    action,
    ...since === undefined ? {} : { sinceMs: since - SKEW_MS },
    ...action === 'admission.gap' ? {} : { ...user === undefined ? {} : { actor: user === '' ? UNKNOWN_ACTOR : user }, ...text === undefined ? {} : { text } },
  }))
  let left = limit
  if (left === 0) return
  for (const found of merged(streams)) {
    if (!fits(found, flags)) continue
    yield found
    if (--left === 0) return
  }
}

function * newestFirst (trail: Pick<AuditTrail, 'search'>, query: Parameters<AuditTrail['search']>[0]): Generator<AuditEntry, undefined> {
  for (let before = Number.MAX_SAFE_INTEGER; ;) {
    const chunk = trail.search({ ...query, before, limit: CHUNK })
    yield * chunk
    const last = chunk.at(-1)
    if (last === undefined || chunk.length < CHUNK) return
    before = last.sequence
  }
}

/** One stream of many, each of which is newest first. */
function * merged (streams: readonly Generator<AuditEntry, undefined>[]): Generator<AuditEntry, void> {
  const heads = streams.map((stream) => ({ stream, head: stream.next().value }))
  for (;;) {
    const newest = heads.reduce((best, each) => (each.head?.sequence ?? 0) > (best.head?.sequence ?? 0) ? each : best)
    if (newest.head === undefined) return
    yield newest.head
    newest.head = newest.stream.next().value
  }
}

function fits (found: AuditEntry, { since = -Infinity, namespace, finding, severity }: Omit<Flags, 'data' | 'output'>): boolean {
  const read = readTrailEntry(found)
  if (read === null) return false
  if (read.gap !== null) return Date.parse(read.gap.until) >= since
  const { entry } = read
  if (entry === null || Date.parse(entry.at) < since) return false
  if (namespace !== undefined && entry.namespace !== namespace) return false
  if (finding !== undefined && !entry.findings.some(({ code }) => code === finding)) return false
  return severity === undefined || entry.findings.some((each) => atLeast(each.severity, severity))
}
