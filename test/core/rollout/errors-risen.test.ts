import t from 'tap'
import { errorsRisen } from '../../../src/core/rollout/errors-risen.ts'

/** Failed and all at the pods that enforce, the same at the others, the rise that is allowed. */
const rows: readonly [string, [number, number], [number, number], number, boolean][] = [
  ['one failure of three, where the others never fail', [1, 3], [0, 10_000], 0.01, false],
  ['three of three: too few to compare', [3, 3], [0, 10_000], 0.01, false],
  ['one failure of thirty, where the others never fail', [1, 30], [0, 10_000], 0.01, false],
  ['three of thirty, within chance for one in a hundred', [3, 30], [0, 10_000], 0.01, false],
  ['half of thirty', [15, 30], [0, 10_000], 0.01, true],
  ['half of many, with a control group of three', [500, 1_000], [0, 3], 0.01, false],
  ['a tenth, with a control group of thirty that could fail as often', [10, 100], [0, 30], 0.01, false],
  ['no more than is allowed', [100, 10_000], [0, 10_000], 0.01, false],
  ['six in a hundred instead of one', [60, 1_000], [40, 4_000], 0.01, true],
  ['the same share', [60, 1_000], [240, 4_000], 0.01, false],
  ['a smaller share', [0, 1_000], [240, 4_000], 0, false],
  ['a small rise in a great many, where none is allowed', [11_000, 1_000_000], [10_000, 1_000_000], 0, true],
  ['the same, where one in a hundred is', [11_000, 1_000_000], [10_000, 1_000_000], 0.01, false],
  ['all of them, where the others fail half of the time', [200, 200], [500, 1_000], 0.01, true],
  ['nothing seen', [0, 0], [0, 0], 0, false],
]
for (const [what, [failed, attempts], [othersFailed, othersAttempts], maxRise, risen] of rows) {
  t.test(`${what}: ${risen ? 'risen' : 'not risen'}`, (t) => {
    t.equal(errorsRisen({ failed, attempts }, { failed: othersFailed, attempts: othersAttempts }, maxRise), risen)
    t.end()
  })
}

t.test('equal groups are hardly ever told apart, however small they are and however rare failures', (t) => {
  let state = 1
  const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) / 0x7fffffff
  const failures = (attempts: number, rate: number): number => Array.from({ length: attempts }, random).filter((x) => x < rate).length
  let risen = 0
  for (let look = 0; look < 3_000; look++) {
    const [attempts, others, rate] = [30 + look % 100, 30 + look % 700, [0.001, 0.02, 0.3][look % 3] ?? 0]
    if (errorsRisen({ attempts, failed: failures(attempts, rate) }, { attempts: others, failed: failures(others, rate) }, 0)) risen++
  }
  t.ok(risen <= 2, `${risen} of 3000`)
  t.end()
})
