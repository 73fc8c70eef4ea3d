import t from 'tap'
import { NOTHING_CHOSEN, promote, putInShadow, rollBack } from '../../../src/core/model/standing.ts'

const asked = { by: 'ann', reason: 'better', at: '2026-01-01T00:00:00.000Z' }

t.test('a promotion remembers what was current, and a rollback goes back to it', async (t) => {
  const one = promote(NOTHING_CHOSEN, 'one', asked)
  const two = promote(one, 'two', asked)
  t.match(two, { sequence: 2, current: 'two', before: ['one', null], by: 'ann' })
  const back = rollBack(two, asked)
  t.match(back, { sequence: 3, current: 'one', before: [null] })
  t.match(back && rollBack(back, asked), { current: null, before: [] })
  t.equal(rollBack(NOTHING_CHOSEN, asked), null, 'before the first there is nothing')
})

t.test('a candidate that is promoted is a candidate no more, and another one stays', async (t) => {
  const shadowed = putInShadow(NOTHING_CHOSEN, 'one', asked)
  t.equal(promote(shadowed, 'one', asked).shadow, null)
  t.equal(promote(shadowed, 'two', asked).shadow, 'one')
})

t.test('what is remembered is bounded', async (t) => {
  let choice = NOTHING_CHOSEN
  for (let number = 0; number < 100; number++) choice = promote(choice, `m${number}`, asked)
  t.equal(choice.before.length, 16)
  t.equal(choice.before[0], 'm98')
})
