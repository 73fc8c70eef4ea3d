import t from 'tap'
import { ATTACKER, madeScore, T0 } from '../../core/verdict/made-score.ts'
import { madeExceptionSpec } from '../../core/exception/made-exception.ts'
import { Bench, POLICY } from '../bench.ts'

const scan = (n = 1) => madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 * n, reporter: ATTACKER })
const spec = (more: Parameters<typeof madeExceptionSpec>[0] = {}) => madeExceptionSpec({ until: new Date(T0 + 3_600_000).toISOString(), ...more })
const active = (bench: Bench, name = 'audit') => bench.controller.exceptions.list().find(({ metadata }) => metadata.name === name)?.status?.conditions.find(({ type }) => type === 'Active')

t.test('what an exception covers is suppressed by its name, and acted on when it has ended by itself', async (t) => {
  await using bench = await Bench.start(t.testdir())
  t.match(await bench.controller.exceptions.add('audit', spec(), 'console:jo'), { spec: { by: 'jo' }, status: { covered: 0, conditions: [{ status: 'True' }, { status: 'True', reason: 'Covering' }] } })
  await bench.scores.push(scan(), scan(2))
  t.match(bench.store.decisions.list(), [{ verdict: 'suppress', reason: 'Excepted', rule: 'Scans', action: 'network_policy', mitigation: null, plan: [], message: /Exception audit covers it until .*: an audit \(jo\)\.$/, safety: [{ check: 'exception', passed: false }] }])
  t.strictSame(bench.fleet.inForce, [])
  t.equal(bench.store.decisions.list().length, 1, 'it is told once')
  await bench.beat()
  await bench.until(() => bench.controller.exceptions.list()[0]?.status?.covered === 1)
  await bench.beat(3_600_000)
  await bench.until(() => active(bench)?.status === 'False')
  t.match(active(bench), { reason: 'ExceptionEnded' })
  await bench.scores.push(scan(2 * 3_600 + 4))
  t.match(bench.store.decisions.list()[0], { verdict: 'mitigate' })
  t.match(bench.trail().filter((line) => line.startsWith('exception')), ['exception.added exception Covering', 'exception.ended exception ExceptionEnded'])
})

t.test('an active mitigation that is newly excepted ends, and comes back when the exception is removed', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await bench.scores.push(scan())
  t.equal(bench.fleet.inForce.length, 1)
  await bench.controller.exceptions.add('other', spec({ source: { name: 'web-8' } }), 'console:jo')
  t.equal(bench.fleet.inForce.length, 1, 'one that does not cover it leaves it alone')
  await bench.controller.exceptions.add('audit', spec(), 'console:jo')
  t.strictSame(bench.fleet.inForce, [])
  t.match(bench.store.mitigations.list(), [{ status: { phase: 'reverted', conditions: [{}, { type: 'Programmed', reason: 'Excepted', message: /Undone by autoshield: exception audit covers it/ }, {}, {}] } }])
  t.ok(bench.trail().includes('mitigation.reverted mitigation Excepted'))
  await bench.scores.push(scan(2))
  t.match(bench.store.decisions.list()[0], { verdict: 'suppress', reason: 'Excepted' })
  t.match(await bench.controller.exceptions.remove('audit', 'console:jo', 'it is over'), { metadata: { name: 'audit' } })
  bench.nowMs += 120_000 // past the cooldown
  await bench.scores.push(scan(3))
  t.match(bench.store.decisions.list()[0], { verdict: 'mitigate' })
  t.match(bench.audit.search({ action: 'exception.removed' }), [{ actor: 'console:jo', detail: { reason: 'it is over' } }])
})

t.test('an escalation is never hidden: another class, or a graver rule, is acted on', async (t) => {
  const graver = POLICY.replace('attack_class', 'severity: critical\n    attack_class')
  await using bench = await Bench.start(t.testdir(), { policy: graver })
  await bench.controller.exceptions.add('audit', spec(), 'console:jo')
  await bench.scores.push(scan())
  t.match(bench.store.decisions.list(), [{ verdict: 'mitigate' }])
  t.equal(bench.fleet.inForce.length, 1)
})

t.test('exceptions hold over a restart and are not told anew; bad ones are refused in words', async (t) => {
  const dir = t.testdir()
  {
    await using bench = await Bench.start(dir)
    const { exceptions } = bench.controller
    await exceptions.add('audit', spec(), 'console:jo')
    await t.rejects(exceptions.add('audit', spec(), 'console:jo'), { code: 'CONFLICT', message: /an exception "audit" already/ })
    await t.rejects(exceptions.add('b', spec({ until: new Date(T0 - 1).toISOString() }), 'console:jo'), { code: 'BAD_DATA', message: /has passed/ })
    await t.rejects(exceptions.add('b', spec({ classes: [] }), 'console:jo'), { code: 'BAD_DATA', message: /spec\.classes/ })
    await t.rejects(exceptions.remove('b', 'console:jo', 'x'), { code: 'NOT_FOUND' })
  }
  await using bench = await Bench.start(dir)
  await bench.scores.push(scan())
  t.match(bench.store.decisions.list(), [{ verdict: 'suppress', reason: 'Excepted' }])
  t.equal(bench.trail().filter((line) => line.startsWith('exception.')).length, 1)
})
