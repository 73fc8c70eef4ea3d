import t from 'tap'
import { Settled } from '../../src/controller/settled.ts'
import { endWithSubject, expire, revert } from '../../src/core/mitigation/lifecycle.ts'
import type { Mitigation } from '../../src/core/mitigation/mitigation.ts'
import { sampleDecision, sampleDetection, sampleMitigation } from '../adapters/store/samples.ts'

const DETECTION = sampleDetection('d1')
const taken = (actionIndex: number, mitigation: string) => ({ ...sampleDecision(`of-${mitigation}`), verdict: 'mitigate', reason: 'RuleMatched', action: 'network_policy', actionIndex, mitigation } as const)
const MITIGATION = sampleMitigation('m')
const END_MS = Date.parse(MITIGATION.spec.expiresAt)
const undone = (reason: 'Reverted' | 'RolledBack' | 'Excepted'): Mitigation => revert(MITIGATION, { actor: 'anna', reason, why: 'a drill' }, END_MS - 1).mitigation
const expired = expire(MITIGATION, END_MS).mitigation
/** Its time to live is a twelfth of how long it was. */
const outlasted: Mitigation = { ...expired, spec: { ...expired.spec, life: { ttlSeconds: Math.floor((END_MS - Date.parse(MITIGATION.metadata.creationTimestamp)) / 12_000), leastSeconds: 1 } } }

t.test('after a restart two actions of one type have each their own answer', (t) => {
  const settled = new Settled((name) => name === 'over' ? undone('RolledBack') : MITIGATION)
  settled.restore([taken(0, 'over'), taken(1, 'in-force')])
  t.strictSame([0, 1, 2].map((actionIndex) => settled.isSettled('h', actionIndex, DETECTION, END_MS)), [false, true, false])
  t.end()
})

const ends: readonly [string, Mitigation | null, number, boolean][] = [
  ['is not known', null, END_MS, true],
  ['is in force', MITIGATION, END_MS, true],
  ['was undone by a person', undone('Reverted'), END_MS, true],
  ['expired, and what is seen began after that', expired, END_MS, false],
  ['expired, and what is seen began before that', expired, END_MS - 1, true],
  ['was outlasted by the attack', outlasted, END_MS - 1, false],
  ['was ended by its rollout', undone('RolledBack'), END_MS, false],
  ['was ended by an exception', undone('Excepted'), END_MS, false],
  ['ended with its pod', endWithSubject(MITIGATION, { uid: 'u7', addresses: [] }, END_MS), END_MS, false],
]
for (const [name, mitigation, sinceMs, is] of ends) {
  t.test(`a mitigation that ${name} ${is ? 'settles' : 'does not settle'} its action`, (t) => {
    const settled = new Settled(() => mitigation)
    settled.restore([taken(0, 'm')])
    t.equal(settled.isSettled('h', 0, DETECTION, sinceMs), is)
    t.end()
  })
}
