import fc from 'fast-check'
import t from 'tap'
import { TokenBucket } from '../../src/core/token-bucket.ts'

t.test('no span of time sees more than its share and one burst', async (t) => {
  const event = fc.record({ afterMs: fc.nat(3_000), units: fc.nat(200) })
  fc.assert(fc.property(fc.array(event, { maxLength: 60 }), (events) => {
    const bucket = new TokenBucket({ perSecond: 50, seconds: 3, nowMs: 0 })
    let [nowMs, taken] = [0, 0]
    for (const { afterMs, units } of events) {
      nowMs += afterMs
      if (bucket.take(units, nowMs)) taken += units
    }
    t.ok(taken <= 150 + 50 * nowMs / 1000 + 1e-6, `${taken} in ${nowMs} ms`)
  }), { numRuns: 200 })
})

t.test('after the wait that it names, what was asked for is there, and not before', async (t) => {
  const bucket = new TokenBucket({ perSecond: 100, seconds: 2, nowMs: 0 })
  t.ok(bucket.take(200, 0))
  t.equal(bucket.waitMs(50, 0), 500)
  t.notOk(bucket.take(50, 499))
  t.ok(bucket.take(50, 501))
  t.equal(bucket.waitMs(201, 0), Infinity, 'more than the burst never comes')
  t.equal(bucket.waitMs(0, 0), 0)
})

t.test('a clock that goes back gives nothing', async (t) => {
  const bucket = new TokenBucket({ perSecond: 100, seconds: 1, nowMs: 1_000 })
  t.ok(bucket.take(100, 1_000))
  t.notOk(bucket.take(1, 0))
})
