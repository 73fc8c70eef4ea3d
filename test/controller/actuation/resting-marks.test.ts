import t from 'tap'
import { RestingMarks } from '../../../src/controller/actuation/resting-marks.ts'
import { PODS } from '../../core/plan/scene.ts'

const { web0, db, far } = PODS

t.test('a label that nobody asks for stays its time, and then they go one at a time, the oldest first', async (t) => {
  const resting = new RestingMarks(1_000)
  t.equal(resting.due([web0], 0), null)
  t.equal(resting.due([far, web0], 500), null)
  t.equal(resting.due([far, web0], 999), null)
  t.equal(resting.due([far, web0], 1_000), web0)
  t.equal(resting.due([far], 1_499), null, 'another has its own time')
  t.equal(resting.due([far, db], 1_500), far)
})

t.test('one that is asked for again begins anew when it is not', async (t) => {
  const resting = new RestingMarks(1_000)
  resting.due([web0], 0)
  resting.due([], 900)
  t.equal(resting.due([web0], 1_000), null)
  t.equal(resting.due([web0], 2_000), web0)
})

t.test('one that cannot be taken back holds nobody else up', async (t) => {
  const resting = new RestingMarks(1_000)
  resting.due([web0, db], 0)
  t.equal(resting.due([web0, db], 1_000), web0)
  resting.again(web0, 1_000)
  t.equal(resting.due([web0, db], 1_000), db)
  t.equal(resting.due([web0], 2_000), web0)
})
