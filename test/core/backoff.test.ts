import fc from 'fast-check'
import t from 'tap'
import { backoffMs } from '../../src/core/backoff.ts'

const backoff = { baseMs: 100, maxMs: 5_000 }

t.test('waits double, never pass the longest, and never fall under half of their step', async (t) => {
  fc.assert(fc.property(fc.nat(2_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
    const step = Math.min(5_000, 100 * 2 ** attempt)
    const wait = backoffMs(attempt, random, backoff)
    t.ok(wait >= step / 2 && wait <= step, `attempt ${attempt}: ${wait} ms`)
  }), { numRuns: 100 })
  t.ok(backoffMs(1, 0, backoff) >= backoffMs(0, 0.999, backoff), 'a later attempt does not come sooner')
})
