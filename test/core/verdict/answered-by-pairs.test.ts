import t from 'tap'
import { answeredByPairs } from '../../../src/core/verdict/answered-by-pairs.ts'
import type { Detection } from '../../../src/core/verdict/detection.ts'
import { sampleDetection } from '../../adapters/store/samples.ts'
import { madeScore } from './made-score.ts'

/** The newest score of a source that reached so many addresses. */
const reaching = (addresses: number) => {
  const score = madeScore({ PORT_SCAN: 0.97 }, { key: { kind: 'fan-out', source: '10.0.0.7' } })
  for (let at = 0; at < addresses; at++) score.window.peerSketch[at] = 1
  return score
}
const pair = (at: number): Detection => ({ ...sampleDetection(`d-${at}`), kind: 'pair', target: { address: `10.0.0.${at}`, name: `db-${at}`, namespace: 'shop' } })
const pairs = (count: number): Detection[] => Array.from({ length: count }, (_, at) => pair(at))

t.test('an attack on a few pods is answered there, one on many at its source', async (t) => {
  const rows: [string, Detection['kind'], number, number, boolean][] = [
    ['no pair has a detection', 'fan-out', 0, 1, false],
    ['a source of windows that counts no destinations', 'fan-out', 1, 0, false],
    ['one pod alone', 'fan-out', 1, 1, true],
    ['three pods, and what a pod talks to at ordinary times', 'fan-out', 3, 11, true],
    ['one pod and a sweep', 'fan-out', 1, 10, false],
    ['four pods', 'fan-out', 4, 4, false],
    ['a pair itself', 'pair', 1, 1, false],
    ['a fan-in', 'fan-in', 1, 1, false],
  ]
  for (const [name, kind, detections, addresses, answered] of rows) t.equal(answeredByPairs({ kind }, reaching(addresses), pairs(detections)) !== null, answered, name)
})

t.test('it says who is attacked and which detections answer that', async (t) => {
  t.equal(answeredByPairs({ kind: 'fan-out' }, reaching(4), pairs(2)), 'It is aimed at shop/db-0 (10.0.0.0) and shop/db-1 (10.0.0.1), which detections d-0 and d-1 answer; 2 other destinations are no sweep')
})
