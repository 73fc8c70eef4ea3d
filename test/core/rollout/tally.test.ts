import t from 'tap'
import { count, emptyTally, evidenceOf, membersOf, parseTally, seenOf } from '../../../src/core/rollout/tally.ts'
import { AT, madePolicy } from './made-policy.ts'
import { ATTACKER, madeScore, T0, type Made } from '../verdict/made-score.ts'

const MEMBERS = { enforcing: new Set(['a']), others: new Set(['b', 'c']) }
const podAt = (address: string) => address === '10.0.0.9' ? { uid: 'u9' } : null
const window = (made: Made = {}) => madeScore({}, { stepMs: 15_000, endMs: T0 + 15_000, features: { flow_count: 40, failed_conn_ratio: 0.25 }, ...made })

t.test('what is seen is counted for the group of its pod, and each pod once', (t) => {
  let tally = emptyTally(AT)
  tally = count(tally, MEMBERS, { podUid: 'a', attempts: 10, failed: 1 })
  tally = count(tally, MEMBERS, { podUid: 'b', attempts: 5, failed: 0 })
  tally = count(tally, MEMBERS, { podUid: 'b', tried: 3, stopped: 2 })
  t.equal(count(tally, MEMBERS, { podUid: 'stranger', attempts: 99 }), tally)
  t.match(evidenceOf(tally, MEMBERS, { inSync: new Set(['a', 'b', 'stranger']), refusal: null }), {
    enforcing: { pods: 1, attempts: 10, failed: 1, tried: 0, stopped: 0 }, others: { pods: 2, attempts: 5, failed: 0, tried: 3, stopped: 2 }, podsSeen: 2, inSync: 2,
  })
  t.strictSame(parseTally(JSON.parse(JSON.stringify(tally))), tally, 'it goes on after a restart')
  t.equal(parseTally({ since: AT }), null)
  t.end()
})

t.test('a pod that is gone is seen no more', (t) => {
  const tally = count(emptyTally(AT), MEMBERS, { podUid: 'c', attempts: 1 })
  t.equal(evidenceOf(tally, { enforcing: new Set(['a']), others: new Set(['b']) }, { inSync: new Set(), refusal: null }).podsSeen, 0)
  t.end()
})

t.test('only pods in scope with a proxy are members', (t) => {
  const pod = (uid: string, namespace: string) => ({ uid, namespace, name: uid, addresses: [], labels: {}, node: '' })
  const members = membersOf(madePolicy({ stage: 'enforce', share: 100 }, { scope: { namespaces: ['shop'] } }), [pod('a', 'shop'), pod('b', 'shop'), pod('c', 'bank')], new Set(['a', 'c']))
  t.strictSame([[...members.enforcing], [...members.others]], [['a'], []])
  t.end()
})

t.test('a window of 15 s by the observer of the pod that is called is counted', (t) => {
  t.strictSame(seenOf(window(), podAt), { podUid: 'u9', source: '10.0.0.7', attempts: 40, failed: 10 })
  t.end()
})

t.test('a recording, another step, another key, the caller\'s own account and an unknown pod count for nothing', (t) => {
  t.equal(seenOf(window({ simulated: true }), podAt), null)
  t.equal(seenOf(window({ stepMs: 60_000 }), podAt), null)
  t.equal(seenOf(window({ key: { kind: 'fan-in', destination: '10.0.0.9' } }), podAt), null)
  t.equal(seenOf(window({ reporter: ATTACKER }), podAt), null)
  t.equal(seenOf(window({ key: { kind: 'pair', source: '10.0.0.7', destination: '10.0.0.8' } }), podAt), null)
  t.end()
})
