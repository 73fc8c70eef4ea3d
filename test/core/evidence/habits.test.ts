import t from 'tap'
import fc from 'fast-check'
import { LEAST_AMOUNT } from '../../../src/core/evidence/measure.ts'
import { forgottenAtMs, learnAmount, MOST_GROWTH, newHabit, usualAmount } from '../../../src/core/evidence/habits.ts'
import { learnHabits, standingOf } from '../../../src/core/evidence/known-for.ts'
import { emptyMemory } from '../../../src/core/evidence/memory.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const T0 = Date.UTC(2026, 0, 2, 3)

t.test('somebody is known for what it came to in each of four different hours, be they nights apart', async (t) => {
  const backup = newHabit()
  for (const [night, amount] of [9e6, 8e6, 2e7].entries()) learnAmount(backup, amount, T0 + night * DAY)
  learnAmount(backup, 5e7, T0 + 2 * DAY + 1)
  t.equal(usualAmount(backup, T0 + 3 * DAY), null, 'however much it was in three')
  learnAmount(backup, 1e7, T0 + 3 * DAY)
  t.equal(usualAmount(backup, T0 + 3 * DAY), 8e6)
})

t.test('what was not seen for two weeks is forgotten, and what was seen seldom counts no longer', async (t) => {
  const habit = newHabit()
  for (let hour = 0; hour < 4; hour++) learnAmount(habit, 1e6, T0 + hour * HOUR)
  t.equal(forgottenAtMs(habit), T0 + 3 * HOUR + 14 * DAY)
  t.equal(usualAmount(habit, T0 + 14 * DAY), 1e6)
  t.equal(usualAmount(habit, T0 + 15 * DAY), null)
})

t.test('who goes on with less is known for less when the weeks have passed, and may not begin anew from more', async (t) => {
  const habit = newHabit()
  for (let hour = 0; hour < 4; hour++) learnAmount(habit, 1e6, T0 + hour * HOUR)
  for (let day = 1; day < 30; day++) learnAmount(habit, 1e5, T0 + day * DAY)
  t.equal(usualAmount(habit, T0 + 30 * DAY), 1e5)
  for (let hour = 0; hour < 9; hour++) learnAmount(habit, 1e9, T0 + 30 * DAY + hour * HOUR)
  t.equal(usualAmount(habit, T0 + 31 * DAY), MOST_GROWTH * 1e6)
})

t.test('however it grows, by the minute or by the month, it is beyond its usual by twenty times what was learnt first, and never usual from six times on', async () => {
  const pace = fc.record({ growth: fc.double({ min: 0.001, max: 3, noNaN: true }), everyMs: fc.constantFrom(15_000, HOUR, DAY), start: fc.integer({ min: LEAST_AMOUNT.upload, max: 10_000_000 }) })
  fc.assert(fc.property(pace, ({ growth, everyMs, start }) => {
    const habit = newHabit()
    const stepMs = Math.max(everyMs, 5 * 60_000)
    for (let atMs = T0; atMs < T0 + 400 * DAY; atMs += stepMs) {
      const amount = start * Math.exp(Math.log1p(growth) * (atMs - T0) / everyMs)
      const { base } = habit
      if (base !== null) {
        const usual = usualAmount(habit, atMs) ?? NaN
        const standing = standingOf('upload', amount, usual)
        if (usual > base.amount * Math.min(MOST_GROWTH, 2 ** ((atMs - base.atMs) / (14 * DAY))) * (1 + 1e-9)) return false
        if (amount >= 5 * MOST_GROWTH * Math.max(base.amount, LEAST_AMOUNT.upload)) return standing === 'beyond'
        if (amount > 1.5 * MOST_GROWTH * base.amount && standing === 'usual') return false
      }
      learnAmount(habit, amount, atMs)
    }
    return true
  }), { numRuns: 200, seed: 7 })
})

t.test('steps that are held for days raise no more than growth does', async (t) => {
  const habit = newHabit()
  for (let hour = 0; hour < 200 * 24; hour++) learnAmount(habit, 1e6 * 2 ** Math.floor(hour / 96), T0 + hour * HOUR)
  t.equal(usualAmount(habit, T0 + 200 * DAY), MOST_GROWTH * 1e6)
})

t.test('what is known of is bounded, for each and in all, and what went is counted', async (t) => {
  const memory = emptyMemory()
  const learn = (source: string, port: number): void => { learnHabits(memory, { key: { kind: 'fan-out', source }, stepMs: 500, atMs: T0 }, [{ measure: 'sessions', port, amount: 50 }], (address) => address) }
  for (let port = 1; port <= 100; port++) learn('10.0.0.1', port)
  t.equal(memory.habits.get('10.0.0.1>*')?.size, 24)
  for (let i = 0; i < 20_010; i++) learn(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 22)
  t.equal(memory.habits.size, 20_000)
  t.ok(memory.evicted >= 10)
})
