import t from 'tap'
import { Contest, MOST_PUT_BACKS } from '../../../src/controller/actuation/contest.ts'

t.test('what is missing is made, put back, or left, by the table', (t) => {
  const contest = new Contest()
  t.equal(contest.missing('a', 'x'), 'make', 'it never held')
  contest.holds('a', 'x')
  t.equal(contest.missing('a', 'y'), 'make', 'it is to have another form')
  for (let time = 1; time <= MOST_PUT_BACKS; time++) {
    contest.holds('a', 'x')
    t.equal(contest.missing('a', 'x'), 'put-back')
    t.equal(contest.missing('a', 'x'), 'make', 'until it holds again, nobody took it away anew')
    t.equal(contest.timesOf('a'), time)
  }
  contest.holds('a', 'x')
  t.equal(contest.missing('a', 'x'), 'hold')
  t.equal(contest.isHeld('a'), true)
  contest.keepOnly(new Set(['b']))
  t.equal(contest.isHeld('a'), false, 'nobody asks for it any more')
  t.end()
})
