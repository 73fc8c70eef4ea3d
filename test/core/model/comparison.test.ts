import { Check } from 'typebox/value'
import fc from 'fast-check'
import t from 'tap'
import { Comparer, Comparison } from '../../../src/core/model/comparison.ts'
import { LogHistogram } from '../../../src/core/model/log-histogram.ts'

const current = { version: 'old', classes: ['BENIGN', 'PORT_SCAN'], thresholds: [1, 0.5] }
const candidate = { version: 'new', classes: ['BENIGN', 'PORT_SCAN', 'CUSTOM_ATTACK'], thresholds: [1, 0.7, 0.4] }
const took = { currentMs: 1, candidateMs: 2 }

t.test('alarms are counted by class, each model at its own thresholds', async (t) => {
  const comparer = new Comparer(current, candidate, 0)
  comparer.add(3,
    Float32Array.of(0.25, 0.75, 0.5, 0.5, 1, 0),
    Float32Array.of(0.25, 0.75, 0, 0.375, 0.625, 0, 0.5, 0, 0.5), took)
  const told = comparer.told(60_000)
  t.ok(Check(Comparison, told))
  t.same(told.alarms, { PORT_SCAN: { current: 2, candidate: 1, both: 1 }, CUSTOM_ATTACK: { current: 0, candidate: 1, both: 0 } })
  t.match(told, { current: 'old', candidate: 'new', windows: 3, since: '1970-01-01T00:00:00.000Z', until: '1970-01-01T00:01:00.000Z' })
})

t.test('they agree where the same class is most probable, by name and not by place', async (t) => {
  const comparer = new Comparer(current, { ...candidate, classes: ['BENIGN', 'CUSTOM_ATTACK', 'PORT_SCAN'] }, 0)
  comparer.add(2, Float32Array.of(0.1, 0.9, 0.1, 0.9), Float32Array.of(0.1, 0.1, 0.8, 0.1, 0.8, 0.1), took)
  t.equal(comparer.told(0).agreed, 1)
})

t.test('how far apart they are is told in the probability of an attack', async (t) => {
  const comparer = new Comparer(current, current, 0)
  comparer.add(2, Float32Array.of(0.5, 0.5, 1, 0), Float32Array.of(0.5, 0.5, 0.5, 0.5), took)
  t.match(comparer.told(0).difference, { mean: 0.25, max: 0.5 })
  t.match(new Comparer(current, current, 0).told(0).difference, { mean: 0, p99: null, max: 0 }, 'nothing was compared')
})

t.test('windows that the candidate did not score, or could not, are told apart', async (t) => {
  const comparer = new Comparer(current, current, 0)
  comparer.skip(5)
  comparer.fail(2)
  t.match(comparer.told(0), { windows: 0, skipped: 5, failed: 2, latency: { current: { p50Ms: null } } })
})

t.test('a quantile is at most a tenth above the true one', async (t) => {
  fc.assert(fc.property(fc.array(fc.double({ min: 0.02, max: 1000, noNaN: true }), { minLength: 1 }), fc.constantFrom(0.5, 0.99), (values, share) => {
    const histogram = new LogHistogram({ least: 0.01, buckets: 160 })
    for (const value of values) histogram.add(value)
    const exact = values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? NaN
    const told = histogram.quantile(share) ?? NaN
    return told >= exact * 0.999 && told <= exact * 1.101
  }))
  t.equal(new LogHistogram({ least: 1, buckets: 2 }).quantile(0.5), null)
})
