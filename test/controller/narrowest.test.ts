import t from 'tap'
import type { Score } from '../../src/core/verdict/score.ts'
import { ATTACKER, madeScore, T0 } from '../core/verdict/made-score.ts'
import { Bench } from './bench.ts'

/** What the source of `madeScore` does to everybody, in the n-th half second. */
const fanOut = (n: number, addresses: number): Score => {
  const score = madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 * n, reporter: ATTACKER, key: { kind: 'fan-out', source: '10.0.0.7' } })
  for (let at = 0; at < addresses; at++) score.window.peerSketch[at] = 1
  return score
}
const pair = (n: number): Score => madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 * n, reporter: ATTACKER })

t.test('a scan of one pod is cut between the two, though it shows in all that its source reaches; a sweep is cut everywhere', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await bench.scores.push(fanOut(1, 4), pair(1))
  t.match(bench.store.mitigations.list().map(({ spec }) => spec.victims.map(({ uid }) => uid)), [['u9']])
  t.match(bench.store.decisions.list().find(({ verdict }) => verdict === 'suppress'), { reason: 'AnsweredByPairs', mitigation: null, message: /aimed at/ })
  t.equal(bench.store.detections.list().length, 2, 'both are told')

  bench.nowMs += 11_000
  await bench.scores.push(fanOut(23, 40), pair(23))
  t.equal(bench.store.mitigations.list().length, 2)
  t.match(bench.store.decisions.list({ limit: 1 }), [{ verdict: 'mitigate' }])
})
