import t from 'tap'
import type { Kill, Span } from './diary.ts'
import { lease, START_MS } from './made-diary.ts'
import { successionsOf } from './successions.ts'

const at = (second: number): number => START_MS + second * 1_000
const killed = (second: number, name = 'controller-0'): Kill => ({ target: 'leader', name, aim: 'any', atMs: at(second) })
const away = (from: number, until: number): Span => ({ fromMs: at(from), untilMs: at(until) })

t.test('who was in step and takes the lease of a dead leader takes over', async (t) => {
  const writes = [lease(0, 'controller-0', 0, ['controller-1']), lease(14.5, 'controller-1', 1)]
  t.strictSame(successionsOf({ kills: [killed(10)], writes, apiAway: [] }), [{ how: 'takeover', from: 'controller-0', to: 'controller-1', leaderlessMs: 4_520 }])
})

t.test('who was not in step takes it late', async (t) => {
  t.match(successionsOf({ kills: [killed(10)], writes: [lease(0, 'controller-0', 0), lease(45, 'controller-1', 1)], apiAway: [] }), [{ how: 'late' }])
})

t.test('a leader that comes back within its lease is no takeover, and a write that was under way when it died is not its next one', async (t) => {
  const writes = [lease(0, 'controller-0', 0, ['controller-1']), lease(10.1, 'controller-0', 0, ['controller-1']), lease(12, 'controller-0', 0), lease(30, 'controller-1', 1)]
  t.match(successionsOf({ kills: [killed(10)], writes, apiAway: [] }), [{ how: 'return', to: 'controller-0', leaderlessMs: 2_020 }])
})

t.test('time in which the API server did not answer does not count, whenever it began and ended', async (t) => {
  const writes = [lease(0, 'controller-0', 0, ['controller-1']), lease(20, 'controller-1', 1)]
  const leaderless = (...apiAway: readonly Span[]) => successionsOf({ kills: [killed(10)], writes, apiAway })[0]?.leaderlessMs
  t.equal(leaderless(away(8, 11)), 9_020)
  t.equal(leaderless(away(12, 14), away(15, 15.5)), 7_520)
  t.equal(leaderless(away(19, Infinity)), 9_000)
  t.equal(leaderless(away(1, 2), away(30, 31)), 10_020)
})

t.test('a kill before anybody led again has no end of its own', async (t) => {
  const writes = [lease(0, 'controller-0', 0, ['controller-1']), lease(30, 'controller-1', 1)]
  t.match(successionsOf({ kills: [killed(10), killed(20)], writes, apiAway: [] }), [{ leaderlessMs: 10_020 }])
})
