import t from 'tap'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { Score } from '../../src/core/verdict/score.ts'
import { ATTACKER, madeScore, T0 } from '../core/verdict/made-score.ts'
import { Bench, GUARDED, POLICY, refusing } from './bench.ts'

/** A scan that the source's own observer confirms, in the n-th half second. */
const scan = (n = 1): Score => madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 * n, reporter: ATTACKER })
const asking = (approval: string): string => POLICY.replace('    actions:', `    approval: ${approval}\n    actions:`)
const ALWAYS = asking('{ required: always, deadline_seconds: 5 }')
/** Newest first. */
const told = ({ store }: Bench) => store.decisions.list().map(({ verdict, reason, approval }) => `${verdict} ${reason}${approval === undefined ? '' : ` ${approval.state}`}`)
const waitingId = (bench: Bench): string => bench.controller.approvals.waiting[0]?.id ?? ''

t.test('what needs a person waits, and is done when one agrees', async (t) => {
  await using bench = await Bench.start(t.testdir(), { policy: ALWAYS })
  await bench.scores.push(scan())
  t.strictSame(told(bench), ['hold ApprovalRequired waiting'])
  t.strictSame([bench.store.mitigations.list(), bench.metrics.waiting], [[], 1])
  const outcome = await bench.controller.approvals.answer(waitingId(bench), 'approve', 'ada', 'seen it')
  t.match(outcome, { verdict: 'mitigate', message: /^Ada agreed: seen it\./ })
  t.strictSame(told(bench), ['mitigate RuleMatched', 'hold ApprovalRequired approved'])
  t.equal(bench.fleet.inForce.length, 1)
  t.equal(bench.metrics.waiting, 0)
  t.match(bench.audit.search({ action: 'approval.approved' }), [{ actor: 'ada', detail: { why: 'seen it' } }])
  await t.rejects(bench.controller.approvals.answer(bench.store.decisions.list()[1]?.id ?? '', 'reject', 'bob', 'late'), { code: 'CONFLICT', message: /approved already by ada/ })
})

t.test('what a person refused is not done, and not asked again for this detection', async (t) => {
  await using bench = await Bench.start(t.testdir(), { policy: ALWAYS })
  await bench.scores.push(scan())
  await bench.controller.approvals.answer(waitingId(bench), 'reject', 'ada', 'a backup')
  bench.nowMs += 60_000
  await bench.scores.push(scan(2))
  t.strictSame(told(bench), ['suppress ApprovalRefused', 'hold ApprovalRequired rejected'])
  t.match(bench.store.decisions.list()[0]?.message, 'Ada said no: a backup.')
  t.strictSame(bench.store.mitigations.list(), [])
})

const thens: readonly [string, string, number][] = [['suppress', 'suppress ApprovalLapsed', 0], ['alert', 'alert ApprovalLapsed', 0], ['mitigate', 'mitigate RuleMatched', 1]]
for (const [then, outcome, inForce] of thens) {
  t.test(`where nobody answers until the deadline, what the rule says is done: ${then}`, async (t) => {
    await using bench = await Bench.start(t.testdir(), { policy: asking(`{ required: always, deadline_seconds: 2, then: ${then} }`) })
    await bench.scores.push(scan())
    await bench.beat()
    t.strictSame(told(bench), ['hold ApprovalRequired waiting'])
    await bench.beat()
    t.strictSame(told(bench), [outcome, 'hold ApprovalRequired lapsed'])
    t.equal(bench.fleet.inForce.length, inForce)
    t.ok(bench.trail().includes('approval.lapsed decision ApprovalLapsed'))
  })
}

t.test('what waits outlives a restart, with its deadline', async (t) => {
  const dir = t.testdir()
  let nowMs = T0
  {
    await using bench = await Bench.start(dir, { policy: ALWAYS })
    await bench.scores.push(scan())
    nowMs = bench.nowMs
  }
  await using again = await Bench.start(dir, { policy: ALWAYS, nowMs })
  t.equal(again.controller.approvals.waiting.length, 1)
  t.match(await again.controller.approvals.answer(waitingId(again), 'approve', 'ada', 'seen'), { verdict: 'mitigate' })
})

t.test('safety is asked again with the state of then', async (t) => {
  const protectedUids: string[] = [GUARDED]
  const { ProtectedSet } = await import('../../src/core/safety/protected.ts')
  await using bench = await Bench.start(t.testdir(), { policy: ALWAYS, wrap: () => ({ protections: { now: () => new ProtectedSet(protectedUids.map((uid) => ({ kind: 'pod', name: uid, uid, by: 'webhook', how: 'It became a back end.' }))) } }) })
  await bench.scores.push(scan())
  protectedUids.push('u7')
  t.match(await bench.controller.approvals.answer(waitingId(bench), 'approve', 'ada', 'seen'), { verdict: 'alert', reason: 'ProtectedTarget' })
  t.strictSame(bench.store.mitigations.list(), [])
})

t.test('who agrees while all actions are stopped has nothing done', async (t) => {
  await using bench = await Bench.start(t.testdir(), { policy: ALWAYS })
  await bench.scores.push(scan())
  await bench.controller.killSwitch.pull('bob', 'wrong', false)
  t.match(await bench.controller.approvals.answer(waitingId(bench), 'approve', 'ada', 'seen'), { verdict: 'suppress', reason: 'Halted' })
  t.strictSame(bench.fleet.inForce, [])
})

t.test('a rule that is gone is not acted on any more', async (t) => {
  await using bench = await Bench.start(t.testdir(), { policy: ALWAYS })
  await bench.scores.push(scan())
  bench.policy.text = POLICY.replace('ttl_seconds: 300', 'ttl_seconds: 301')
  for (let beat = 0; beat < 2; beat++) await bench.beat()
  await t.rejects(bench.controller.approvals.answer(waitingId(bench), 'approve', 'ada', 'seen'), { code: 'CONFLICT', message: /has changed or is gone/ })
  t.strictSame(bench.store.mitigations.list(), [])
})

t.test('an answer that cannot be kept is none, and can be given again', async (t) => {
  const full = { now: false }
  await using bench = await Bench.start(t.testdir(), { policy: ALWAYS, wrap: ({ store }) => ({ store: refusing(store, () => full.now ? new AutoshieldError('UNAVAILABLE', 'the disk is full') : null) }) })
  await bench.scores.push(scan())
  full.now = true
  await t.rejects(bench.controller.approvals.answer(waitingId(bench), 'approve', 'ada', 'seen'), { code: 'UNAVAILABLE' })
  t.strictSame([bench.fleet.inForce, bench.controller.approvals.waiting.length], [[], 1])
  full.now = false
  t.match(await bench.controller.approvals.answer(waitingId(bench), 'approve', 'ada', 'seen'), { verdict: 'mitigate' })
})

t.test('what is not there and what waits for nobody is refused in words', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await t.rejects(bench.controller.approvals.answer('nothing', 'approve', 'ada', 'seen'), { code: 'NOT_FOUND', message: /decisions list/ })
  await bench.scores.push(scan())
  await t.rejects(bench.controller.approvals.answer(bench.store.decisions.list()[0]?.id ?? '', 'approve', 'ada', 'seen'), { code: 'CONFLICT', message: /waits for nobody: it is mitigate/ })
})

t.test('a replay asks nobody', async (t) => {
  await using bench = await Bench.start(t.testdir(), { policy: ALWAYS, settings: { actuationEnabled: false } })
  await bench.scores.push(scan())
  t.strictSame(told(bench), ['simulate ActuationDisabled'])
  t.strictSame(bench.controller.approvals.waiting, [])
})
