import t from 'tap'
import { EMPTY_WALL, reduce, type Wall } from '../../../src/console/web/model/wall.ts'
import { exceptionStanding, exceptionWords, touchedBy } from '../../../src/console/web/model/exceptions.ts'
import { fatesOf, leadingOption, placesWords } from '../../../src/console/web/model/plan.ts'
import { routeOf } from '../../../src/console/web/model/route.ts'
import { sentenceOf } from '../../../src/console/web/model/sentence.ts'
import { trailOf } from '../../../src/console/web/model/trail.ts'
import { restriction, roughly, stillThrough, towards } from '../../../src/console/web/model/words.ts'
import type { LoopEvent } from '../../../src/ports/loop.ts'
import { EFFECT, exception, isolated, pierced, quarantined } from '../cluster-scene.ts'
import { decided, guessing, limited, SHOP } from '../scenes.ts'

const NOW = Date.UTC(2026, 10, 3, 14, 2, 53)
const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 19)
const LOADED: Wall = { ...EMPTY_WALL, loaded: true, link: { state: 'live' }, pods: SHOP.map((pod) => ({ ...pod, observed: true })) }
const wallOf = (...events: LoopEvent[]): Wall => events.reduce<Wall>((wall, event) => reduce(wall, { type: 'event', event, atMs: NOW }), LOADED)
const detection: LoopEvent = { type: 'detection', detection: guessing(NOW) }
const mitigations = (...those: ReturnType<typeof pierced>[]): LoopEvent[] => those.map((mitigation) => ({ type: 'mitigation', mitigation }))

t.test('of several restrictions the sentence tells the one that is got past, then the one that stops most', (t) => {
  const say = (...those: ReturnType<typeof pierced>[]) => sentenceOf(wallOf(detection, ...mitigations(...those)), NOW, clock).text
  t.match(say(pierced(NOW), isolated(NOW), quarantined(NOW)), /denied at 1 target since [\d:]+, but some of it still gets through, ends/)
  t.match(say(isolated(NOW), quarantined(NOW)), /; isolated at 2 targets since/)
  t.match(say(quarantined(NOW)), /; its node closed to new pods since/)
  t.end()
})

t.test('what still gets through breaks the proof and not the acknowledgement', (t) => {
  const broken = (mitigation: ReturnType<typeof pierced>) => trailOf(guessing(NOW), [decided(NOW, { mitigation: mitigation.metadata.name })], [mitigation]).filter(({ state }) => state === 'broken').map(({ name }) => name)
  t.strictSame(broken(pierced(NOW)), ['Proof'])
  t.strictSame(broken(limited(NOW)), [])
  t.equal(stillThrough(limited(NOW)), null)
  t.equal(stillThrough({ ...pierced(NOW), status: { ...pierced(NOW).status, phase: 'expired' } }), null, 'what has ended proves nothing any more')
  t.end()
})

t.test('an isolation names no victims, and a quarantine its node', (t) => {
  t.equal(restriction(isolated(NOW)), 'isolated: cut off both ways, taken out of its Services and its ReplicaSet')
  t.equal(towards(isolated(NOW)), '')
  t.equal(towards(pierced(NOW)), ', towards db-0')
  t.equal(restriction(quarantined(NOW)), 'closed to new pods, and emptied of those it has')
  t.equal(towards(quarantined(NOW)), '')
  t.end()
})

t.test('the flows of an option are the attack, the cost and what goes on', (t) => {
  const [taken, refused] = EFFECT.options
  if (taken === undefined || refused === undefined) throw new Error('no options')
  t.match(fatesOf(taken), [{ fate: 'attack', flows: 1, connections: 1284 }, { fate: 'cost', flows: 0, connections: 0, listed: [] }, { fate: 'goes-on', flows: 3, connections: 412 }])
  t.match(fatesOf(refused), [{ connections: 0 }, { fate: 'cost', connections: 380 }, { connections: 20 }])
  t.equal(leadingOption(EFFECT), 0)
  t.equal(leadingOption({ ...EFFECT, options: [refused, { ...taken, state: 'not-needed' }, refused] }), 1, 'where none is taken, one that would do')
  t.equal(leadingOption({ ...EFFECT, options: [refused, refused] }), 1, 'where none would do, the largest')
  t.equal(leadingOption({ ...EFFECT, options: [] }), -1)
  t.equal(placesWords({ policies: ['egress', 'ingress'] }), 'at the suspect, on its way out; and at the victims, on its way in')
  t.end()
})

t.test('an exception stands as the controller judged it and by its end', (t) => {
  const hour = 3_600_000
  t.match(exceptionStanding(exception(NOW, 'a', 48 * hour), NOW), { state: 'holds' })
  t.match(exceptionStanding(exception(NOW, 'a', 48 * hour), NOW + 25 * hour), { state: 'ends-soon' })
  t.match(exceptionStanding(exception(NOW, 'a', 48 * hour), NOW + 49 * hour), { state: 'ended' })
  t.match(exceptionStanding({ ...exception(NOW, 'a', hour), status: null }, NOW), { state: 'unread' })
  t.match(exceptionStanding(exception(NOW, 'a', 2400 * hour), NOW), { state: 'refused', why: /more than 90 days/ })
  t.equal(exceptionWords({ source: { namespace: 'ops', name: 'backup-0' }, target: { cidr: '10.0.0.0/8' }, classes: ['PORT_SCAN', 'SYN_FLOOD'], actions: ['alert_only'] }), 'Port scan, SYN flood by ops/backup-0 on 10.0.0.0/8: no alert_only')
  t.strictSame([20_000, 7_100_000, 400_000_000].map(roughly), ['1 min', '2 h', '5 days'])
  t.end()
})

t.test('what an exception would end is told beforehand: its classes, its ends, its severity and its actions', (t) => {
  const wall = wallOf(detection, { type: 'decision', decision: decided(NOW) }, { type: 'mitigation', mitigation: limited(NOW) })
  const spec = { source: { namespace: 'ops', name: 'ci-runner-0' }, classes: ['BRUTE_FORCE'], upToSeverity: 'high' as const, until: new Date(NOW + 1000).toISOString(), reason: 'x', by: 'jo' }
  const touched = (more: object, severity: 'high' | 'critical' = 'high') => {
    const { restrictions, detections } = touchedBy({ ...spec, ...more }, wall, () => severity, NOW)
    return [restrictions.length, detections.length]
  }
  t.strictSame(touched({}), [1, 1])
  t.strictSame(touched({ classes: ['PORT_SCAN'] }), [0, 0])
  t.strictSame(touched({ source: { labels: { app: 'ci-runner' } } }), [1, 1], 'by a label of its pod')
  t.strictSame(touched({ source: { namespace: 'shop' } }), [0, 0])
  t.strictSame(touched({ actions: ['alert_only'] }), [0, 1], 'the restriction is another action')
  t.strictSame(touched({}, 'critical'), [0, 0], 'a graver rule is followed all the same')
  t.end()
})

t.test('pages have addresses, and a change of a list is another version of it alone', (t) => {
  t.strictSame(routeOf('#/errands/failed'), { page: 'errands', phase: 'failed' })
  t.strictSame(routeOf('#/protected/kube%2Fdns'), { page: 'protected', text: 'kube/dns' })
  t.strictSame(routeOf('#/health'), { page: 'health' })
  const { versions } = wallOf({ type: 'changed', list: 'errands' })
  t.strictSame(versions, { ...EMPTY_WALL.versions, errands: 1 })
  t.end()
})
