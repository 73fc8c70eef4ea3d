import t from 'tap'
import { count, emptyTally, evidenceOf, parseTally, seenOf, TARGET_WINDOW_MS } from '../../../src/core/rollout/tally.ts'
import { membersOf } from '../../../src/core/rollout/scope.ts'
import { AT, AT_MS, madePolicy } from './made-policy.ts'
import { ATTACKER, madeScore, T0, type Made } from '../verdict/made-score.ts'

const MEMBERS = { enforcing: new Set(['a']), others: new Set(['b', 'c']) }
const podAt = (address: string) => address === '10.0.0.9' ? { uid: 'u9' } : null
const window = (made: Made = {}) => madeScore({}, { stepMs: 15_000, endMs: T0 + 15_000, features: { flow_count: 40, failed_conn_ratio: 0.25 }, ...made })

t.test('what is seen is counted for the group of its pod, and each pod once', (t) => {
  let tally = emptyTally(AT)
  tally = count(tally, MEMBERS, { podUid: 'a', atMs: AT_MS, attempts: 10, failed: 1 })
  tally = count(tally, MEMBERS, { podUid: 'b', atMs: AT_MS, attempts: 5, failed: 0 })
  tally = count(tally, MEMBERS, { podUid: 'b', atMs: AT_MS, tried: 3, stopped: 2 })
  t.equal(count(tally, MEMBERS, { podUid: 'stranger', atMs: AT_MS, attempts: 99 }), tally)
  t.match(evidenceOf(tally, MEMBERS, { inSync: new Set(['a', 'b', 'stranger']), refusal: null }), {
    enforcing: { pods: 1, attempts: 10, failed: 1, tried: 0, stopped: 0 }, others: { pods: 2, attempts: 5, failed: 0, tried: 3, stopped: 2 }, podsSeen: 2, inSync: 2,
  })
  t.strictSame(parseTally(JSON.parse(JSON.stringify(tally))), tally, 'it goes on after a restart')
  t.equal(parseTally({ since: AT }), null)
  t.end()
})

t.test('of the last hour, what is older counts neither for nor against', (t) => {
  const PROXIES = { inSync: new Set<string>(), refusal: null }
  const HOUR_MS = 3_600_000
  let tally = emptyTally(AT)
  for (let n = 0; n < 100; n++) tally = count(tally, MEMBERS, { podUid: 'a', atMs: AT_MS + n * 120_000, attempts: 10, stopped: 1 })
  const nowMs = AT_MS + 99 * 120_000
  t.match(evidenceOf(tally, MEMBERS, PROXIES), { enforcing: { attempts: 1_000, stopped: 100 } }, 'a step is counted as a whole')
  const { enforcing } = evidenceOf(tally, MEMBERS, PROXIES, nowMs - TARGET_WINDOW_MS)
  t.ok(enforcing.stopped >= 30 && enforcing.stopped <= 33, `${enforcing.stopped} of one in two minutes, to five minutes`)
  t.equal(enforcing.attempts, enforcing.stopped * 10)
  t.match(evidenceOf(tally, MEMBERS, PROXIES, nowMs + HOUR_MS), { enforcing: { attempts: 0, stopped: 0 } })
  tally = count(tally, MEMBERS, { podUid: 'a', atMs: AT_MS, stopped: 5 })
  t.ok(tally.recent.length <= 13 && parseTally(JSON.parse(JSON.stringify(tally))) !== null, 'it is bounded, also where something comes late')
  t.equal(evidenceOf(tally, MEMBERS, PROXIES, nowMs - TARGET_WINDOW_MS).enforcing.stopped, enforcing.stopped)
  t.end()
})

t.test('a pod that is gone is seen no more', (t) => {
  const tally = count(emptyTally(AT), MEMBERS, { podUid: 'c', atMs: AT_MS, attempts: 1 })
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
