import t from 'tap'
import { lifeSpans } from '../../../src/core/history/life-spans.ts'
import { mitigationLives } from '../../../src/core/history/mitigation-lives.ts'
import { standingOf } from '../../../src/core/history/standing.ts'
import { tryMitigations } from '../../../src/core/history/try-mitigations.ts'
import { CLASSES } from '../../../src/core/classes.ts'
import type { FlowRecord } from '../../../src/core/history/flow-record.ts'
import { parsePolicy } from '../../../src/core/policy/parse-policy.ts'
import { openTimeZone } from '../../../src/core/policy/time-zone.ts'
import type { Detection } from '../../../src/core/verdict/detection.ts'
import { guessing } from '../../console/scenes.ts'
import { flowRecord, outside, podEnd } from './records.ts'

const zone = openTimeZone('UTC')
if (zone === null) throw new Error('no UTC')
const judging = { zone, modelClasses: CLASSES }
const at = (minute: number): string => new Date(minute * 60_000).toISOString()
const [WEB, DB, CLIENT] = [podEnd('10.0.0.1', 'web'), podEnd('10.0.0.2', 'db'), podEnd('10.0.0.3', 'client')]
/** In one bucket of five minutes from `minute` on. */
const flow = (source: typeof WEB, destination: typeof WEB, minute: number, more: Partial<FlowRecord> = {}) =>
  flowRecord(source, destination, { firstMs: minute * 60_000, lastMs: (minute + 5) * 60_000, bytesReceived: 1, ...more })
const detection = (more: Partial<Detection> = {}): Detection => guessing(0, {
  id: 'd1', kind: 'pair', source: { address: '10.0.0.1', uid: 'uid-web' }, target: { address: '10.0.0.2', uid: 'uid-db' }, firstSeen: at(10), lastSeen: at(12), witnesses: [{ reporter: 'spiffe://t/ns/shop/pod/uid-web', quality: 0, agrees: true }], ...more,
})

function replay (action: string, records: readonly FlowRecord[], { seen = detection(), rule = '' }: { seen?: Detection, rule?: string } = {}) {
  const parsed = parsePolicy(`rules:\n- { id: r, attack_class: BRUTE_FORCE, ttl_seconds: 600, ${rule} actions: [${action}] }\n`, 'p.yaml')
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const lives = mitigationLives([parsed.policy], [seen], records, judging)
  return { ...lives, ...tryMitigations(records, lives.lives, standingOf([seen])) }
}
const short = ({ groups }: ReturnType<typeof replay>): string[] => groups.map(({ effect, of, source, destination, connections }) => `${effect} ${of} ${source}>${destination} ${connections}`)
const [W, D, C] = ['shop/Deployment/web', 'shop/Deployment/db', 'shop/Deployment/client']

t.test('a denial cuts the way of the attack until its time has passed, the attack and what came after apart', (t) => {
  const records = [flow(WEB, DB, 5, { begun: 100 }), flow(WEB, DB, 10, { begun: 8, carried: 1 }), flow(WEB, DB, 15, { begun: 3, carried: 2 }), flow(WEB, DB, 25, { begun: 50 }), flow(WEB, CLIENT, 10), flow(CLIENT, DB, 10)]
  const tried = replay('{ action_type: network_policy }', records)
  t.same(short(tried), [`cut attack ${W}>${D} 9`, `cut legitimate ${W}>${D} 5`], 'carried counts once')
  t.match(tried.totals, [{ of: 'attack', connections: 9, pods: 2, workloads: 2, ports: 1 }, { of: 'legitimate', connections: 5 }])
  t.match(tried.groups[0], { by: ['r'], detections: ['d1'], port: 80, protocol: 'TCP', pods: 2 })
  t.end()
})

t.test('it is renewed while the attack goes on', (t) => {
  t.match(replay('{ action_type: network_policy }', [flow(WEB, DB, 10)], { seen: detection({ lastSeen: at(25) }) }).lives, [{ fromMs: 600_000, untilMs: 1_500_000 + 600_000 }])
  t.end()
})

t.test('an isolation shows whom else it costs', (t) => {
  t.same(short(replay('{ action_type: pod_isolation }', [flow(WEB, DB, 10), flow(CLIENT, WEB, 10, { begun: 7 }), flow(WEB, outside('192.0.2.1'), 10)])), [
    `cut attack ${W}>${D} 1`, `cut suspect ${W}>192.0.2.1 1`, `cut legitimate ${C}>${W} 7`,
  ])
  t.end()
})

t.test('a limit touches and does not cut, and what another action cuts is cut', (t) => {
  const throttle = '{ action_type: traffic_throttle, parameters: { rate_limit: 100kbps } }'
  t.same(short(replay(throttle, [flow(WEB, DB, 10)])), [`limited attack ${W}>${D} 1`])
  t.same(short(replay(`${throttle}, { action_type: network_policy }`, [flow(WEB, DB, 10)])), [`cut attack ${W}>${D} 1`])
  t.end()
})

t.test('after a sweep all that goes out is cut, and at the victim of a flood all that comes is limited', (t) => {
  const sweep = detection({ kind: 'fan-out', target: null })
  const dns = podEnd('10.0.0.53', 'dns', { namespace: 'kube-system' })
  t.same(short(replay('{ action_type: network_policy }', [flow(WEB, DB, 10, { port: 0, begun: 99, bytesReceived: 0 }), flow(WEB, CLIENT, 15), flow(WEB, dns, 10), flow(CLIENT, WEB, 10)], { seen: sweep })), [
    `cut attack ${W}>${D} 99`, `cut legitimate ${W}>${C} 1`,
  ], 'the name service stays in reach')
  const flood = detection({ kind: 'fan-in', source: null })
  t.same(short(replay('{ action_type: traffic_throttle, parameters: { rate_limit: 100kbps } }', [flow(outside('192.0.2.7'), DB, 10, { bytesReceived: 0, begun: 99 }), flow(CLIENT, DB, 10)], { seen: flood })), [
    `limited attack 192.0.2.7>${D} 99`, `limited legitimate ${C}>${D} 1`,
  ])
  t.end()
})

t.test('a pod of the victim\'s workload that comes later is kept from the attacker as well', (t) => {
  const heir = podEnd('10.0.0.8', 'db-2', { workload: 'Deployment/db' })
  const sibling = podEnd('10.0.0.7', 'db-1', { workload: 'Deployment/db' })
  t.same(short(replay('{ action_type: network_policy }', [flow(WEB, DB, 10), flow(CLIENT, sibling, 5), flow(WEB, sibling, 15), flow(WEB, heir, 15, { begun: 3 })])), [`cut attack ${W}>${D} 1`, `cut legitimate ${W}>${D} 3`], 'one that was there was not meant')
  t.end()
})

t.test('a pod that is evicted is gone for good', (t) => {
  t.same(short(replay('{ action_type: pod_termination }', [flow(WEB, DB, 5), flow(CLIENT, WEB, 500), flow(WEB, DB, 500, { protocol: 1, port: 0 })])), [`cut legitimate ${C}>${W} 1`, `cut legitimate ${W}>${D} 1`])
  t.end()
})

t.test('who is on the network of a node, may be forged, or is no pod is not restricted, and that is said', (t) => {
  const host = podEnd('10.0.0.1', 'web', { hostNetwork: true })
  t.match(replay('{ action_type: network_policy }', [flow(host, DB, 10)]).idle, [{ message: /on its node's network/ }])
  t.match(replay('{ action_type: network_policy }', [flow(WEB, DB, 10, { bytesReceived: 0 })], { seen: detection({ witnesses: [] }) }), { groups: [], idle: [{ message: /may be forged/ }] })
  t.match(replay('{ action_type: network_policy }', [flow(WEB, DB, 10)], { seen: detection({ witnesses: [] }) }).lives.length, 1, 'an answer over TCP proves it')
  t.match(replay('{ action_type: network_policy }', [flow(outside('10.0.0.9'), DB, 10)], { seen: detection({ source: { address: '10.0.0.9' } }) }).idle, [{ message: /no known pod/ }])
  t.end()
})

t.test('what cannot be told is told: features that were not kept, and what no restriction speaks of', (t) => {
  const untold = replay('{ action_type: network_policy }', [flow(WEB, DB, 10)], { rule: 'window: 600, condition: features.syn_count > 100000, ' })
  t.match(untold, { lives: [], fired: 0, untold: [[{ id: 'r', outcome: 'cannot be told' }]] })
  t.equal(replay('{ action_type: network_policy }', [flow(WEB, DB, 10, { protocol: 1, port: 0, begun: 4 })]).unjudged, 4)
  t.same(replay('{ action_type: alert_only }', [flow(WEB, DB, 10)]).lives, [], 'a message restricts nobody')
  t.end()
})

t.test('only the buckets in which something is restricted are read, each once', (t) => {
  const minutes = (lives: readonly (readonly [number, number])[], since = 0) => lifeSpans(lives.map(([from, until]) => ({ fromMs: from * 60_000, untilMs: until * 60_000 })), since * 60_000, 100 * 60_000).map(({ sinceMs }) => sinceMs / 60_000)
  t.same(minutes([[12, 22], [11, 14], [90, Infinity]]), [10, 15, 20, 90, 95])
  t.same(minutes([[12, 22]], 17), [15, 20])
  t.same(lifeSpans([{ fromMs: 1, untilMs: 2 }], 0, 9), [{ sinceMs: 0, untilMs: 300_000 }])
  t.end()
})
