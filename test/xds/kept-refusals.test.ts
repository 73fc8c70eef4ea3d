import t from 'tap'
import { KeptRefusals } from '../../xds/kept-refusals.ts'

const refusal = (peer: string, count = 1) => ({ reason: 'Revoked', details: 'the identity is revoked', peer, identity: null, count })
const kept = (most?: number) => new KeptRefusals({ instance: 'run', clock: { now: () => 1000 }, ...most === undefined ? {} : { most } })
const show = (refusals: KeptRefusals) => refusals.first(100).map(({ sequence, peer, count }) => `${sequence} ${peer} ${count}`)

t.test('refusals are numbered and stay until they are acknowledged', (t) => {
  const refusals = kept()
  let heard = 0
  refusals.onAdd(() => { heard++ })
  for (const peer of ['a', 'b', 'c']) refusals.add(refusal(peer))
  t.equal(heard, 3)
  t.strictSame(refusals.first(1), [{ ...refusal('a'), sequence: 1, atMs: 1000 }])
  refusals.acknowledge(2)
  t.strictSame(show(refusals), ['3 c 1'])
  refusals.acknowledge(2)
  t.strictSame(show(refusals), ['3 c 1'], 'twice is as good as once')
  refusals.acknowledge(3)
  refusals.add(refusal('d'))
  t.strictSame(show(refusals), ['4 d 1'])
  t.end()
})

t.test('what has no room is one sum that follows, and none is lost', (t) => {
  const refusals = kept(2)
  for (const peer of ['a', 'b', 'c', 'd']) refusals.add(refusal(peer, 10))
  t.strictSame(show(refusals), ['1 a 10', '2 b 10'], 'the first stay: they may be on their way')
  t.equal(refusals.size, 2)
  t.equal(refusals.summed, 20)
  refusals.acknowledge(1)
  t.strictSame(show(refusals), ['2 b 10', '3 d 20'])
  refusals.acknowledge(3)
  t.strictSame(show(refusals), [])
  t.end()
})
