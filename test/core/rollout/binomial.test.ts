import fc from 'fast-check'
import t from 'tap'
import { atLeast, upperBound } from '../../../src/core/rollout/binomial.ts'

/** By adding up each term, from the first: slow, and by another way. */
function summed (k: number, n: number, p: number): number {
  let [term, below] = [(1 - p) ** n, 0]
  for (let i = 0; i < k; i++) {
    below += term
    term *= (n - i) / (i + 1) * p / (1 - p)
  }
  return 1 - below
}

t.test('it is what adding up each term comes to', (t) => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(300), fc.double({ min: 0.001, max: 0.9, noNaN: true }), (n, k, p) => {
    if (Math.abs(atLeast(k, n, p) - (k > n ? 0 : summed(k, n, p))) > 1e-9) throw new Error(`${atLeast(k, n, p)} and ${summed(k, n, p)}`)
  }), { numRuns: 2_000 })
  t.end()
})

t.test('its ends', (t) => {
  t.strictSame([atLeast(0, 10, 0.5), atLeast(11, 10, 0.5), atLeast(1, 10, 0), atLeast(10, 10, 1)], [1, 0, 0, 1])
  t.ok(Math.abs(atLeast(10, 10, 0.5) - 2 ** -10) < 1e-15)
  t.ok(Math.abs(atLeast(1_000_000, 2_000_000, 0.5) - 0.5) < 0.001, 'a million tries')
  t.end()
})

t.test('the upper bound is where as few would be seen in that share of all cases', (t) => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 5_000 }), fc.nat(5_000), (n, k) => {
    const bound = upperBound(k, n, 0.001)
    if (k >= n ? bound !== 1 : bound <= k / n || Math.abs(1 - atLeast(k + 1, n, bound) - 0.001) > 1e-6) throw new Error(`${k} of ${n}: ${bound}`)
  }))
  t.equal(upperBound(0, 0, 0.001), 1)
  t.ok(Math.abs(upperBound(0, 300, 0.05) - (1 - 0.05 ** (1 / 300))) < 1e-9, 'the rule of three')
  t.end()
})
