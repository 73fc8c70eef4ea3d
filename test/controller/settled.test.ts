import t from 'tap'
import { Settled } from '../../src/controller/settled.ts'
import type { endOf } from '../../src/core/mitigation/lifecycle.ts'
import { sampleDecision, sampleDetection } from '../adapters/store/samples.ts'

const DETECTION = sampleDetection('d1')
const taken = (actionIndex: number, mitigation: string) => ({ ...sampleDecision(`of-${mitigation}`), verdict: 'mitigate', reason: 'RuleMatched', action: 'network_policy', actionIndex, mitigation } as const)

t.test('after a restart two actions of one type have each their own answer', (t) => {
  const settled = new Settled((name) => name === 'over' ? 'Expired' : null)
  settled.restore([taken(0, 'over'), taken(1, 'in-force')])
  t.strictSame([0, 1, 2].map((actionIndex) => settled.isSettled('h', actionIndex, DETECTION)), [false, true, false])
  t.end()
})

const ends: readonly [ReturnType<typeof endOf>, boolean][] = [[null, true], ['Reverted', true], ['Expired', false], ['RolledBack', false], ['SubjectGone', false]]
for (const [end, is] of ends) {
  t.test(`what was taken and ended by ${String(end)} is ${is ? '' : 'not '}settled`, (t) => {
    const settled = new Settled(() => end)
    settled.restore([taken(0, 'm')])
    t.equal(settled.isSettled('h', 0, DETECTION), is)
    t.end()
  })
}
