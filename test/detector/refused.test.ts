import t from 'tap'
import { refusal, type RefusalReason } from '../../src/detector/refusal.ts'
import { Refused } from '../../src/detector/refused.ts'
import { POD } from './stage.ts'

const LIAR = { identity: POD, peer: '10.0.0.1' }
const SPIFFE = 'spiffe://autoshield.test/ns/shop/pod/pod-1'
const MINUTE_MS = 60_000

function refusing (reason: RefusalReason = 'NotYours') {
  const refused = new Refused()
  return { refused, add: (nowMs: number, caller: Parameters<Refused['add']>[1] = LIAR) => refused.add(refusal(reason, `at ${nowMs}`), caller, nowMs) }
}

t.test('the first refusal of a caller is told at once, what follows within ten minutes as one sum after them', async (t) => {
  const { refused, add } = refusing()
  add(0)
  t.strictSame(refused.take(1), [{ reason: 'NotYours', details: 'at 0', peer: LIAR.peer, identity: SPIFFE, count: 1 }])
  for (let at = 1; at <= 100; at++) add(at)
  t.strictSame(refused.take(10 * MINUTE_MS), [], 'not in the ten minutes after it was told')
  t.match(refused.take(10 * MINUTE_MS + 1), [{ details: 'at 100', count: 100 }])
  t.strictSame(refused.take(30 * MINUTE_MS), [], 'and nothing is told twice')
  t.strictSame(refused.counts, { NotYours: 101 }, 'each is counted')
})

t.test('callers and reasons are told apart, and one without an identity by its address', async (t) => {
  const { refused, add } = refusing()
  add(0)
  add(0, { ...LIAR, identity: { ...POD, uid: 'pod-2' } })
  refused.add(refusal('Malformed', ''), LIAR, 0)
  for (const peer of ['10.0.0.8', '10.0.0.9', '10.0.0.9']) refused.add(refusal('NoIdentity', ''), { identity: null, peer }, 0)
  t.strictSame(refused.take(0).map(({ reason, identity, peer, count }) => [reason, identity, peer, count]), [
    ['NotYours', SPIFFE, LIAR.peer, 1],
    ['NotYours', SPIFFE.replace('pod-1', 'pod-2'), LIAR.peer, 1],
    ['Malformed', SPIFFE, LIAR.peer, 1],
    ['NoIdentity', null, '10.0.0.8', 1],
    ['NoIdentity', null, '10.0.0.9', 2],
  ])
})

t.test('a pod that is not known yet is told of where that lasts', async (t) => {
  const { refused, add } = refusing('Unknown')
  add(0)
  add(29_999)
  t.strictSame(refused.take(40_000), [])
  add(30_000)
  t.match(refused.take(40_000), [{ reason: 'Unknown', count: 3 }])
  const { refused: brief, add: once } = refusing('Unknown')
  once(0)
  brief.take(10 * MINUTE_MS)
  once(10 * MINUTE_MS)
  t.strictSame(brief.take(10 * MINUTE_MS), [], 'what came so long before is another matter')
})

t.test('what comes to those who do nothing wrong is counted alone', async (t) => {
  for (const reason of ['OtherSchema', 'Gap', 'Full', 'Silent', 'Replaced', 'Stopping', 'Failed'] as const) {
    const { refused, add } = refusing(reason)
    add(0)
    add(MINUTE_MS)
    t.strictSame([refused.take(MINUTE_MS), refused.counts], [[], { [reason]: 2 }], reason)
  }
})

t.test('beyond a thousand callers the others share a place, and places are given back', async (t) => {
  const { refused, add } = refusing()
  const call = (count: number, atMs: number): void => { for (let at = 0; at < count; at++) add(atMs, { ...LIAR, identity: { ...POD, uid: `pod-${at}` } }) }
  call(1_003, 0)
  const told = refused.take(0)
  t.equal(told.length, 1_001)
  t.match(told.at(-1), { identity: /pod-1002$/, count: 3 })
  refused.take(10 * MINUTE_MS)
  call(1_000, 11 * MINUTE_MS)
  t.equal(refused.take(11 * MINUTE_MS).filter(({ count }) => count === 1).length, 1_000)
})
