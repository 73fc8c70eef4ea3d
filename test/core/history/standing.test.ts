import t from 'tap'
import { standingOf } from '../../../src/core/history/standing.ts'
import { guessing } from '../../console/scenes.ts'
import { flowRecord, podEnd } from './records.ts'

const at = (minute: number): string => new Date(minute * 60_000).toISOString()
const [ATTACKER, DB, WEB] = [podEnd('10.0.0.9', 'attacker'), podEnd('10.0.0.2', 'db'), podEnd('10.0.0.1', 'web')]

t.test('a flow is of the attack, beside it, or legitimate once its source has no open detection', (t) => {
  const seen = guessing(0, { kind: 'pair', source: { address: '10.0.0.9', uid: 'uid-attacker' }, target: { address: '10.0.0.2' }, firstSeen: at(10), lastSeen: at(12) })
  const standing = standingOf([{ ...seen, explanation: { ...seen.explanation, stepMs: 15_000 } }])
  const flow = (source: typeof DB, destination: typeof DB, minute: number) => standing(flowRecord(source, destination, { firstMs: minute * 60_000, lastMs: (minute + 1) * 60_000 }))
  t.same([flow(ATTACKER, DB, 11), flow(ATTACKER, WEB, 11), flow(WEB, DB, 11)], ['attack', 'suspect', 'legitimate'])
  t.same([9, 10, 14, 15].map((minute) => flow(ATTACKER, WEB, minute)), ['legitimate', 'suspect', 'suspect', 'legitimate'], 'it closes after ten quiet steps')
  t.equal(standing(flowRecord(podEnd('10.0.0.77', 'attacker'), WEB, { firstMs: 11 * 60_000, lastMs: 12 * 60_000 })), 'suspect', 'a pod is known by its UID')
  t.end()
})
