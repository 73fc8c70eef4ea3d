import t, { type Test } from 'tap'
import { openAuditTrail } from '../../src/adapters/store/audit-trail.ts'
import { admissionsIn } from '../../src/cli/audit-admissions.ts'
import { sinceMs } from '../../src/cli/since.ts'
import { trailEntry, trailGap } from '../../src/controller/admissions/trail-entry.ts'
import type { AuditEntry, AuditTrail } from '../../src/ports/audit.ts'
import { autoshield } from '../program.ts'
import { made, marked } from '../webhook/shipping/made-entry.ts'

const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString()

/** A trail that its owner still has open, as a running controller has. */
async function trailOf (t: Test): Promise<string> {
  const dir = t.testdir({})
  const trail = openAuditTrail(dir, { clock: { now: () => Date.now() } })
  t.teardown(() => trail[Symbol.asyncDispose]())
  for (const entry of [
    trailEntry(made('r1', ago(180)), null),
    trailGap({ cause: 'fail-open', count: 7, from: ago(150), until: ago(130) }, null),
    trailEntry(marked('r2', ago(30), { user: 'eve\u001b[31m', namespace: 'pay', name: 'ledger', allowed: false }), null),
    trailEntry(made('r3', ago(10), { user: 'eve', operation: 'CONNECT', resource: '/v1/pods/exec', findings: [{ code: 'PodExec', severity: 'medium', message: 'x' }] }), null),
    { actor: 'autoshield', action: 'policy.loaded', object: 'policy/p', reason: 'Stored', detail: {} },
  ]) await trail.append(entry)
  return dir
}

t.test('who changed what can be asked for by time, namespace, user, finding and severity, while a controller runs', async (t) => {
  const dir = await trailOf(t)
  for (const [args, expected] of [
    [[], ['r3', 'r2', 'gap', 'r1']],
    [['--since', '1h'], ['r3', 'r2']],
    [['--since', ago(140)], ['r3', 'r2', 'gap']],
    [['--namespace', 'pay'], ['r2', 'gap']],
    [['--user', 'eve'], ['r3', 'gap']],
    [['--finding', 'PodExec'], ['r3', 'gap']],
    [['--severity', 'high'], ['r2', 'gap']],
    [['--severity', 'medium', '--since', '2h', '--namespace', 'shop', '--user', 'eve'], ['r3']],
    [['--limit', '1'], ['r3']],
  ] as const) {
    const { status, stdout, stderr } = await autoshield(['audit', 'admissions', '--data', dir, '-o', 'json', ...args])
    t.equal(status, 0, stderr)
    const got = stdout.trimEnd().split('\n').map((line) => (JSON.parse(line) as { detail: { entry?: { review: string } } }).detail.entry?.review ?? 'gap')
    t.same(got, expected, args.join(' '))
  }
})

t.test('the table says what a person needs, and nothing drives the terminal', async (t) => {
  const { stdout } = await autoshield(['audit', 'admissions', '--data', await trailOf(t)])
  t.match(stdout, /^AT +USER +ACTION +OBJECT +RESULT +FINDINGS\n/)
  t.match(stdout, /eve +connect +pods\/shop\/web +allowed +PodExec \(medium\)\n/)
  t.match(stdout, /eve\?\[31m +create +pods\/pay\/ledger +denied +PrivilegedPod \(high\)\n/)
  t.match(stdout, /gap +admission +unseen +7 not seen from .* to .* \(fail-open\)\n/)
})

/** A trail of `entries`, oldest first, which keeps account of what was read of it. */
function countedTrail (entries: readonly AuditEntry[]): Pick<AuditTrail, 'search'> & { readonly read: { most: number, all: number } } {
  const read = { most: 0, all: 0 }
  return {
    read,
    search: ({ action, before = Infinity, limit = 100 }) => {
      const found = entries.filter((entry) => entry.action === action && entry.sequence < before).reverse().slice(0, limit)
      read.most = Math.max(read.most, found.length)
      read.all += found.length
      return found
    },
  }
}

t.test('a long trail is read piece by piece, in order, and no further than asked', async (t) => {
  const operations = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const
  const entries = Array.from({ length: 6_000 }, (_, at): AuditEntry => ({
    ...trailEntry(made(`r${at}`, ago(1), { user: at === 7 ? 'eve' : 'mallory', operation: operations[at % 7 % 4] ?? 'CREATE' }), null), sequence: at + 1, at: ago(1), hash: '',
  }))
  const few = countedTrail(entries)
  t.same([...admissionsIn(few, { limit: 3 })].map(({ sequence }) => sequence), [6_000, 5_999, 5_998])
  t.ok(few.read.all <= 5 * 500, `${few.read.all} entries for three`)
  const all = countedTrail(entries)
  t.same([...admissionsIn(all, { limit: 1_000_000 })].map(({ sequence }) => sequence), entries.map(({ sequence }) => sequence).reverse())
  t.ok(all.read.most <= 500, 'a piece is small however much there is')
  t.equal(all.read.all, 6_000)
  t.same([...admissionsIn(countedTrail(entries), { limit: 0 })], [])
})

t.test('the help shows a call that works in the controller\'s container', async (t) => {
  const { stdout } = await autoshield(['audit', 'admissions', '--help'])
  t.match(stdout, /exec deploy\/autoshield-controller -- autoshield audit admissions --data \/var\/lib\/autoshield/)
})

t.test('a wrong call says what would be right', async (t) => {
  for (const [args, said] of [
    [['--since', 'yesterday'], /--since yesterday is neither a while nor a time; write it as 15m, 1h, 2d/],
    [['--severity', 'huge'], /Allowed choices are low, medium, high, critical/],
    [['--finding', 'Nonsense'], /Allowed choices are OptsOut/],
  ] as const) {
    const { status, stderr } = await autoshield(['audit', 'admissions', ...args])
    t.equal(status, 64, args.join(' '))
    t.match(stderr, said)
  }
})

t.test('a while ago is counted from now', async (t) => {
  t.same(['90s', '15m', '1h', '2d'].map((text) => sinceMs(text, 1e9)), [1e9 - 90_000, 1e9 - 900_000, 1e9 - 3_600_000, 1e9 - 172_800_000])
  t.equal(sinceMs('2026-03-01T12:00:00Z', 0), Date.parse('2026-03-01T12:00:00Z'))
  for (const text of ['', '1w', '-1h', '1.5h', 'h']) t.throws(() => sinceMs(text, 0), { code: 'USAGE' }, text)
})
