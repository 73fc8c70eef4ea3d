import t from 'tap'
import { suspicionOf } from '../../../src/core/history/suspicion.ts'
import { flowRecord, outside, podEnd } from './records.ts'

const at = (minute: number): string => new Date(minute * 60_000).toISOString()
const [ATTACKER, DB, WEB] = [podEnd('10.0.0.9', 'attacker'), podEnd('10.0.0.2', 'db'), podEnd('10.0.0.1', 'web')]
const flow = (source: typeof DB, destination: typeof DB, bytesReceived = 0, minute = 10) => flowRecord(source, destination, { bytesReceived, firstMs: minute * 60_000, lastMs: (minute + 1) * 60_000 })
const seen = { firstSeen: at(10), lastSeen: at(12) }

t.test('what an attack that was detected leaves is suspicious, and what its source does beside it is not', (t) => {
  const pair = suspicionOf([{ kind: 'pair', source: { address: '10.0.0.9' }, target: { address: '10.0.0.2' }, ...seen }])
  t.same([flow(ATTACKER, DB, 100), flow(ATTACKER, DB), flow(ATTACKER, WEB), flow(WEB, DB), flow(DB, ATTACKER)].map(pair), [true, true, false, false, false], 'pair')
  const fanOut = suspicionOf([{ kind: 'fan-out', source: { address: '10.0.0.9' }, target: null, ...seen }])
  t.same([flow(ATTACKER, DB), flow(ATTACKER, DB, 100), flow(WEB, DB)].map(fanOut), [true, false, false], 'fan-out')
  const fanIn = suspicionOf([{ kind: 'fan-in', source: null, target: { address: '10.0.0.2' }, ...seen }])
  t.same([flow(outside('192.0.2.1'), DB), flow(WEB, DB, 100), flow(WEB, ATTACKER)].map(fanIn), [true, false, false], 'fan-in')
  t.end()
})

t.test('only while it went on', (t) => {
  const pair = suspicionOf([{ kind: 'pair', source: { address: '10.0.0.9' }, target: { address: '10.0.0.2' }, ...seen }])
  t.same([8, 9, 10, 12, 13].map((minute) => pair(flow(ATTACKER, DB, 1, minute))), [false, false, true, true, false])
  t.end()
})
