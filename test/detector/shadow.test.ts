import t from 'tap'
import { Shadow } from '../../src/detector/shadow.ts'
import { FakeScorer } from './stage.ts'

/** One row of which both are certain that it is benign. */
const run = { rows: 1, tensors: new Float32Array(240), contexts: new Float32Array(0), probabilities: Float32Array.of(1, 0, 0, 0, 0, 0), tookMs: 1 }
const current = new FakeScorer()

/** A clock that moves by `costMs` with each run of the candidate. */
function shadowed (costMs: number, fail = false) {
  let nowMs = 0
  const scorer = new FakeScorer()
  const score = scorer.score.bind(scorer)
  scorer.score = async (...args) => {
    nowMs += costMs
    if (fail) throw new Error('it is broken')
    return score(...args)
  }
  const shadow = new Shadow(scorer, { current, clock: { now: () => 0 }, monotonicMs: () => nowMs })
  return { shadow, pass: (ms: number) => { nowMs += ms } }
}

t.test('a candidate takes a quarter of the time at most, and what it left out is told', async (t) => {
  const { shadow, pass } = shadowed(10)
  for (let round = 0; round < 40; round++) {
    await shadow.score(run)
    pass(10)
  }
  const { windows, skipped } = shadow.comparison()
  t.equal(windows + skipped, 40)
  t.ok(windows >= 10 && windows <= 14, `${windows} of 40 rounds`)
})

t.test('at leisure it scores everything', async (t) => {
  const { shadow, pass } = shadowed(1)
  for (let round = 0; round < 40; round++) {
    await shadow.score(run)
    pass(500)
  }
  t.match(shadow.comparison(), { windows: 40, skipped: 0, agreed: 40 })
})

t.test('a candidate that fails harms nobody', async (t) => {
  const { shadow, pass } = shadowed(1, true)
  for (let round = 0; round < 3; round++) {
    await shadow.score(run)
    pass(500)
  }
  t.match(shadow.comparison(), { windows: 0, failed: 3 })
})
