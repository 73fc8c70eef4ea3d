import fc from 'fast-check'
import t from 'tap'
import { applicationsOf } from '../../../src/core/rollout/apply.ts'
import { enforcingPods, selects } from '../../../src/core/rollout/scope.ts'
import type { MeshPolicyStatus } from '../../../src/core/rollout/mesh-policy.ts'
import type { Detection } from '../../../src/core/verdict/detection.ts'
import type { Pod } from '../../../src/core/pod.ts'
import { sampleDetection } from '../../adapters/store/samples.ts'
import { madePolicy } from './made-policy.ts'

const pod = (n: number, namespace = 'shop'): Pod => ({ uid: `u${n}`, namespace, name: `p-${n}`, addresses: [`10.0.0.${n}`], labels: { app: n % 2 === 0 ? 'web' : 'db' }, node: 'n1' })
const PODS = Array.from({ length: 40 }, (_, n) => pod(n))
const UIDS = PODS.map(({ uid }) => uid)
const pair = (changes: Partial<Detection> = {}) => sampleDetection('d1', changes)
const parts = (status: Partial<MeshPolicyStatus>, spec: object = {}, detection = pair(), pods: readonly Pod[] = PODS) =>
  applicationsOf([madePolicy(status, spec)], detection, pods, new Set(pods.map(({ uid }) => uid))).map(({ part, victims }) => [part, victims.size])

const CANARY = { stage: 'canary', share: 50 } as const
const enforcing = enforcingPods(UIDS, 50)
const canary = UIDS.find((uid) => enforcing.has(uid)) ?? ''
const control = UIDS.find((uid) => !enforcing.has(uid)) ?? ''
const at = (uid: string) => pair({ target: { address: 'x', uid } })

t.test('what it does in front of a pod is by stage and share', (t) => {
  t.strictSame(parts({}), [['observe', 1]])
  t.strictSame(parts({ stage: 'shadow' }), [['rehearse', 1]])
  t.strictSame(parts(CANARY, {}, at(canary)), [['enforce', 1]])
  t.strictSame(parts(CANARY, {}, at(control)), [['rehearse', 1]])
  t.strictSame(parts({ stage: 'enforce', share: 100 }, {}, at(control)), [['enforce', 1]])
  t.end()
})

t.test('a fan-out is enforced in front of the canaries and rehearsed in front of the others, never in front of its source', (t) => {
  const scan = pair({ kind: 'fan-out', target: null, source: { address: '10.0.0.7', uid: 'u7' } })
  const [first, second, ...more] = applicationsOf([madePolicy(CANARY)], scan, PODS, new Set(UIDS))
  t.strictSame([first?.part, second?.part, more.length], ['enforce', 'rehearse', 0])
  t.strictSame(new Set([...first?.victims ?? [], ...second?.victims ?? []]), new Set(UIDS.filter((uid) => uid !== 'u7')))
  t.strictSame([first?.actionIndex, second?.actionIndex], [0, 1])
  t.end()
})

t.test('a detection of another class, of a pod out of scope, of an unknown pod or from another source is left alone', (t) => {
  t.strictSame(parts({}, {}, pair({ class: 'BRUTE_FORCE' })), [])
  t.strictSame(parts({}, { scope: { namespaces: ['bank'] } }), [])
  t.strictSame(parts({}, { scope: { labels: { app: 'web' } } }), [])
  t.strictSame(parts({}, {}, pair({ target: { address: '203.0.113.1' } })), [])
  const only = (sources: object) => ({ restrictions: [{ name: 'scans', class: 'PORT_SCAN', action: 'deny', sources }] })
  t.strictSame(parts({}, only({ namespaces: ['bank'] })), [])
  t.strictSame(parts({}, only({ namespaces: ['shop'] })), [['observe', 1]])
  t.strictSame(parts({}, only({}), pair({ source: { address: '203.0.113.1' } })), [], 'a source that is no pod is none of them')
  t.end()
})

t.test('a pod without a proxy is out of scope, for nothing there carries a restriction', (t) => {
  t.strictSame(applicationsOf([madePolicy({ stage: 'shadow' })], pair(), PODS, new Set(['u1'])), [])
  t.end()
})

t.test('a policy whose spec changed answers nothing until its rollout went back', (t) => {
  t.strictSame(parts({ ...CANARY, basis: 'another' }), [])
  t.end()
})

t.test('an address that another pod has by now is not taken for the one that was meant', (t) => {
  t.strictSame(parts({}, {}, pair({ target: { address: '10.0.0.9', uid: 'gone' } })), [])
  t.end()
})

t.test('each step has a rule of its own, so that what goes on is decided anew', (t) => {
  const ruleAt = (status: Partial<MeshPolicyStatus>) => applicationsOf([madePolicy(status)], pair(), PODS, new Set(UIDS))[0]?.rule
  t.equal(ruleAt({})?.id, ruleAt({ stage: 'shadow' })?.id)
  t.not(ruleAt({})?.description, ruleAt({ stage: 'shadow' })?.description)
  t.end()
})

const uids = fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 60 })
const share = fc.integer({ min: 1, max: 100 })

t.test('a larger share keeps every pod of a smaller one', (t) => {
  fc.assert(fc.property(uids, share, share, (all, one, other) => {
    const [small, large] = [enforcingPods(all, Math.min(one, other)), enforcingPods(all, Math.max(one, other))]
    if (!small.isSubsetOf(large)) throw new Error('a pod left the canary')
  }))
  t.end()
})

t.test('a canary has a pod at least, and about the share that was asked for', (t) => {
  fc.assert(fc.property(uids, share, (all, percent) => enforcingPods(all, percent).size >= 1))
  const many = Array.from({ length: 5_000 }, (_, n) => `9f0c${n}-aaaa-${n * 7}`)
  const size = enforcingPods(many, 10).size
  t.ok(size > 400 && size < 600, `${size} of 5000`)
  t.equal(enforcingPods(many, 100).size, 5_000)
  t.equal(enforcingPods(many, 0).size, 0)
  t.end()
})

t.test('pods that come and go move no other pod in or out, but for the first', (t) => {
  const before = enforcingPods(UIDS, 30)
  const after = enforcingPods([...UIDS.slice(5), 'new-1', 'new-2'], 30)
  t.strictSame([...before].filter((uid) => UIDS.indexOf(uid) >= 5).filter((uid) => !after.has(uid)), [])
  t.end()
})

t.test('a selector without a word selects everybody, and one with words asks for all of them', (t) => {
  t.ok(selects({ namespaces: [], labels: {} }, pod(1)))
  t.ok(selects({ namespaces: ['shop'], labels: { app: 'db' } }, pod(1)))
  t.notOk(selects({ namespaces: ['shop'], labels: { app: 'db', tier: 'x' } }, pod(1)))
  t.notOk(selects({ namespaces: [], labels: { constructor: 'x' } }, pod(1)))
  t.end()
})
