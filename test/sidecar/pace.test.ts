import fc from 'fast-check'
import t from 'tap'
import { Pace } from '../../sidecar/pace.ts'

const NOW = 1_800_000_012_345
const RECORDED = 1_600_000_007_890
const MINUTE = 60_000

t.test('a recording begins within the last minute, shifted by whole minutes', async (t) => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2_000_000_000_000 }), fc.integer({ min: 0, max: 2_000_000_000_000 }), (recorded, now) => {
    const shifted = new Pace(1).shifted(recorded, now)
    t.ok(shifted <= now && shifted > now - MINUTE)
    t.equal((shifted - recorded) % MINUTE, 0)
  }), { numRuns: 100 })
})

t.test('packets are due at the recorded distances, divided by the speed', async (t) => {
  for (const speed of [0.5, 1, 4]) {
    const pace = new Pace(speed)
    const first = pace.shifted(RECORDED, NOW)
    t.equal(pace.waitMs(first, NOW), 0, 'the first at once')
    t.equal(pace.waitMs(first + 1_000, NOW), 1_000 / speed)
    t.equal(pace.waitMs(first + 1_000, NOW + 1_000 / speed), 0)
    t.equal(pace.reached(NOW + 300), first + 300 * speed)
  }
})

t.test('without a bound on the speed nothing waits', async (t) => {
  const pace = new Pace(Infinity)
  const first = pace.shifted(RECORDED, NOW)
  t.equal(pace.waitMs(first + 1e9, NOW), 0)
  t.equal(pace.waitMs(first - 1e9, NOW), 0)
  t.equal(pace.reached(NOW), Infinity)
})

t.test('a time that leaps or falls back is taken as the new present, for a damaged one must not stop a replay', async (t) => {
  for (const leap of [601_000, 1e15, -61_000, NaN, -1e15, Infinity]) {
    const pace = new Pace(1)
    const first = pace.shifted(RECORDED, NOW)
    t.equal(pace.waitMs(first + leap, NOW), 0, `${leap} ms`)
    if (Number.isFinite(leap)) t.equal(pace.waitMs(first + leap + 100, NOW), 100, 'and the pace is kept from there')
  }
})
