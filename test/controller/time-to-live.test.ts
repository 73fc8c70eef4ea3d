import t from 'tap'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import { ATTACKER, madeScore, T0 } from '../core/verdict/made-score.ts'
import { Bench } from './bench.ts'

const scan = (bench: Bench) => bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: bench.nowMs, reporter: ATTACKER }))
const only = (bench: Bench): Mitigation => {
  const [mitigation, ...more] = bench.store.mitigations.list()
  if (mitigation === undefined || more.length > 0) throw new Error(`${more.length + (mitigation === undefined ? 0 : 1)} mitigations`)
  return mitigation
}
const after = (bench: Bench): number => (Date.parse(only(bench).spec.expiresAt) - T0) / 1_000
const moves = (bench: Bench): string[] => bench.trail().filter((line) => line.startsWith('mitigation.end-moved'))

t.test('an attack that goes on is held off beyond the time to live, without a gap', async (t) => {
  await using bench = await Bench.start(t.testdir())
  for (let second = 0; second < 600; second++) {
    await scan(bench)
    await bench.beat()
    if (bench.fleet.inForce.length !== 1) throw new Error(`not in force after ${second} s`)
  }
  t.ok(after(bench) > 800, 'its end is about a time to live after now')
  t.match(only(bench), { status: { term: { reason: 'AttackGoesOn' } } })
  await bench.until(() => moves(bench).length > 0)
  t.ok(moves(bench).length <= 8, 'it is written by quarters, not by seconds')
  t.match(bench.fleet.applied.at(-1), [{ spec: { expiresAt: only(bench).spec.expiresAt } }], 'and proxies know')
})

t.test('an attack that ends is let go early, and one that comes back finds the restriction there', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await scan(bench)
  for (let second = 0; second < 100; second++) await bench.beat()
  t.match(only(bench).status.term, { reason: 'AttackEnded', formerEnd: new Date(T0 + 300_000).toISOString() })
  t.ok(after(bench) < 165, 'a quarter of its time and a minute')
  bench.nowMs += 20_000
  await scan(bench)
  await scan(bench)
  await bench.beat()
  t.match(only(bench).status, { phase: 'active', term: { reason: 'AttackCameBack', returns: 1 } })
  t.ok(after(bench) > 400)
  await bench.until(() => moves(bench).length === 2)
  t.strictSame(moves(bench), ['mitigation.end-moved mitigation AttackEnded', 'mitigation.end-moved mitigation AttackCameBack'])
})

t.test('what a quiet time ended is remembered when the attack comes back as another mitigation', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await scan(bench)
  for (let second = 0; second < 170; second++) await bench.beat()
  t.match(only(bench).status, { phase: 'expired' })
  await scan(bench)
  await bench.until(() => bench.fleet.inForce.length === 1)
  const began = bench.nowMs
  for (let second = 0; second < 130; second++) await bench.beat()
  const [newest] = bench.store.mitigations.list()
  t.match(newest, { spec: { expiresAt: new Date(began + 300_000).toISOString() }, status: { phase: 'active' } }, 'it waits twice as long this time')
})
