import t, { type Test } from 'tap'
import { verifyAudit } from '../../src/adapters/store/verify-audit.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import { MAX_VICTIMS, type Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { Pod } from '../../src/core/pod.ts'
import { ATTACKER, madeScore, T0 } from '../core/verdict/made-score.ts'
import { Bench, GUARDED, POLICY, refusing } from './bench.ts'
import { FakePods } from './fakes.ts'

const WEB: Pod = { uid: 'u7', namespace: 'shop', name: 'web-7', addresses: ['10.0.0.7'], labels: {}, node: 'n1', workload: 'Deployment/web', createdMs: T0 - 60_000 }
const DB: Pod = { ...WEB, uid: 'u9', name: 'db-0', addresses: ['10.0.0.9'], workload: 'StatefulSet/db' }
/** Of the victim's workload, made after the mitigation. */
const member = (uid: string, address: string, more: Partial<Pod> = {}): Pod => ({ ...DB, uid, name: `db-${uid}`, addresses: [address], createdMs: T0 + 10_000, ...more })

/** A loop that found a scan of WEB's at DB, and denied it. */
async function scanned (t: Test, pods: FakePods, { dir = t.testdir(), refuses = (): Error | null => null } = {}): Promise<Bench> {
  const bench = await Bench.start(dir, { wrap: ({ store }) => ({ pods, store: refusing(store, refuses) }) })
  await bench.scores.push(scan(1))
  return bench
}
const scan = (n: number) => madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 * n, reporter: ATTACKER })
const only = (bench: Bench): Mitigation => {
  const [mitigation, ...more] = bench.store.mitigations.list()
  if (mitigation === undefined || more.length > 0) throw new Error(`${more.length + (mitigation === undefined ? 0 : 1)} mitigations`)
  return mitigation
}
const victims = (bench: Bench) => only(bench).spec.victims.map(({ uid }) => uid)
/** Of those that the proxies were handed last. */
const inForce = (bench: Bench) => bench.fleet.applied.at(-1)?.map(({ spec }) => spec.victims.map(({ uid }) => uid))
const amendments = (bench: Bench) => bench.audit.search({ object: `mitigation/${only(bench).metadata.name}`, limit: 100 }).toReversed()
  .filter(({ action }) => /amended|ended/.test(action)).map(({ actor, action, reason, detail }) => [actor, action, reason, ...(detail['pods'] as { uid: string }[] | undefined ?? []).map(({ uid }) => uid)])
const programmed = (bench: Bench) => only(bench).status.conditions.find(({ type }) => type === 'Programmed')

t.test('a new pod of the victim\'s workload joins, and one that is gone leaves, each in the trail', async (t) => {
  const pods = new FakePods([WEB, DB])
  await using bench = await scanned(t, pods)
  t.match(only(bench).spec, { victims: [{ uid: 'u9' }], workloads: ['shop/StatefulSet/db'] })
  pods.put(member('u10', '10.0.0.10'))
  await bench.until(() => victims(bench).length === 2)
  t.strictSame(inForce(bench), [['u9', 'u10']])
  pods.remove('u9')
  await bench.until(() => victims(bench).length === 1)
  t.strictSame(inForce(bench), [['u10']], 'it goes on for the other')
  await bench.until(() => amendments(bench).length === 2)
  t.strictSame(amendments(bench), [['autoshield', 'mitigation.amended', 'PodJoined', 'u10'], ['autoshield', 'mitigation.amended', 'PodGone', 'u9']])
  t.match(only(bench), { metadata: { generation: 3 }, status: { phase: 'active' } })
})

t.test('what is Programmed waits for the proxy of a pod that joined, and not for that of one that is gone', async (t) => {
  const pods = new FakePods([WEB, DB])
  await using bench = await scanned(t, pods)
  bench.fleet.answer('in-sync')
  await bench.until(() => programmed(bench)?.status === 'True')
  pods.put(member('u10', '10.0.0.10'))
  await bench.until(() => victims(bench).length === 2)
  bench.fleet.answer('in-sync', '', [], [{ podUid: 'u10', state: 'pending' }])
  await bench.until(() => programmed(bench)?.status === 'False')
  t.match(only(bench).status, { targets: [{ target: 'proxy/u10', state: 'pending' }, { target: 'proxy/u9', state: 'programmed' }], conditions: [{}, { reason: 'Pending' }, { type: 'Enforcing', status: 'Unknown' }] })
  pods.remove('u10')
  bench.fleet.answer('in-sync')
  await bench.until(() => programmed(bench)?.status === 'True')
  t.match(only(bench).status.targets, [{ target: 'proxy/u9' }])
})

t.test('with the pod that it restricts a mitigation ends, though another took its place', async (t) => {
  const pods = new FakePods([WEB, DB])
  await using bench = await scanned(t, pods)
  pods.put({ ...WEB, uid: 'u8', name: 'web-8', addresses: ['10.0.0.8'], createdMs: T0 + 10_000 })
  pods.remove('u7')
  await bench.until(() => bench.fleet.inForce.length === 0)
  await bench.until(() => amendments(bench).length === 1)
  t.match(only(bench), { status: { phase: 'expired', conditions: [{}, { reason: 'SubjectGone', message: /shop\/web-7 is gone/ }, {}, {}] } })
  t.strictSame(amendments(bench), [['autoshield', 'mitigation.ended', 'SubjectGone']])
  t.strictSame(bench.metrics.active, { enforced: 0, simulated: 0 })
  pods.put({ ...WEB, uid: 'u70' })
  await bench.scores.push(scan(2))
  await bench.beat(30_000)
  t.strictSame(bench.fleet.inForce, [], 'the next pod with its address pays for nothing')
})

t.test('an address that the restricted pod is given is restricted as well', async (t) => {
  const pods = new FakePods([WEB, DB])
  await using bench = await scanned(t, pods)
  pods.put({ ...WEB, addresses: ['10.0.0.7', 'fd00::7'] })
  await bench.until(() => amendments(bench).length === 1)
  t.match(bench.fleet.applied.at(-1), [{ spec: { subject: { uid: 'u7', addresses: ['10.0.0.7', 'fd00::7'] } } }])
  t.strictSame(amendments(bench), [['autoshield', 'mitigation.amended', 'AddressesChanged', 'u7']])
})

t.test('a pod that came while the mitigation was being decided joins with the next beat', async (t) => {
  const pods = new FakePods([WEB, DB])
  await using bench = await Bench.start(t.testdir(), { wrap: () => ({ pods: { byAddress: pods.byAddress, byUid: pods.byUid, list: pods.list, onChange: () => ({ [Symbol.dispose]: () => undefined }) } }) })
  await bench.scores.push(scan(1))
  pods.put(member('u10', '10.0.0.10'))
  await bench.beat()
  await bench.until(() => victims(bench).length === 2)
  t.strictSame(inForce(bench), [['u9', 'u10']])
})

t.test('a protected pod never joins', async (t) => {
  const pods = new FakePods([WEB, DB])
  await using bench = await scanned(t, pods)
  pods.put(member(GUARDED, '10.0.0.10'))
  pods.put(member('u11', '10.0.0.11'))
  await bench.until(() => victims(bench).length === 2)
  t.strictSame(victims(bench), ['u9', 'u11'])
})

t.test('a workload beyond the bound: those that are left out are counted, and said', async (t) => {
  const pods = new FakePods([WEB, DB])
  await using bench = await scanned(t, pods)
  for (let at = 0; at < MAX_VICTIMS + 9; at++) pods.put(member(`m${at}`, `10.1.${at >> 8}.${at & 255}`))
  await bench.until(() => victims(bench).length === MAX_VICTIMS)
  t.ok(bench.metrics.counted.includes('dropped 10 victim'))
  bench.fleet.answer('in-sync')
  await bench.until(() => only(bench).status.conditions.some(({ reason }) => reason === 'VictimsLeftOut'))
  t.match(only(bench).status, { leftOut: 10, conditions: [{}, {}, {}, { type: 'Degraded', status: 'True', message: /10 more/ }] })
})

t.test('what came and went while nobody ran is made up for at the start, before anything is handed on', async (t) => {
  const dir = t.testdir()
  {
    await using bench = await scanned(t, new FakePods([WEB, DB]), { dir })
    t.strictSame(victims(bench), ['u9'])
  }
  {
    await using bench = await Bench.start(dir, { nowMs: T0 + 20_000, wrap: () => ({ pods: new FakePods([WEB, member('u10', '10.0.0.10')]) }) })
    t.strictSame(bench.fleet.applied.map((set) => set.map(({ spec }) => spec.victims.map(({ uid }) => uid))), [[['u10']], [['u10']]])
  }
  await using bench = await Bench.start(dir, { nowMs: T0 + 30_000, wrap: () => ({ pods: new FakePods([DB]) }) })
  t.strictSame(bench.fleet.applied.flat(), [])
  t.match(only(bench), { status: { phase: 'expired' } })
  t.equal(verifyAudit(dir).ok, true)
})

t.test('a store that refuses keeps no joiner waiting; its record follows, once', async (t) => {
  let full: Error | null = null
  const pods = new FakePods([WEB, DB])
  await using bench = await scanned(t, pods, { refuses: () => full })
  full = new AutoshieldError('UNAVAILABLE', 'No room left')
  pods.put(member('u10', '10.0.0.10'))
  await bench.until(() => inForce(bench)?.[0]?.length === 2)
  pods.remove('u9')
  await bench.until(() => inForce(bench)?.[0]?.length === 1)
  t.strictSame(victims(bench), ['u9'])
  full = null
  await bench.beat()
  t.strictSame(victims(bench), ['u10'])
  t.strictSame(amendments(bench).map(([, , reason]) => reason), ['PodJoined', 'PodGone'])
})

t.test('after an isolation every pod joins, those of the isolated one\'s own namespace first', async (t) => {
  const policy = POLICY.replace('action_type: network_policy', 'action_type: pod_isolation').replace(/ +parameters:.*\n/, '')
  const pods = new FakePods([WEB, DB])
  await using bench = await Bench.start(t.testdir(), { policy, wrap: () => ({ pods }) })
  await bench.scores.push(scan(1))
  t.match(only(bench).spec, { victims: [{ uid: 'u9' }], workloads: ['*'] })
  for (const [uid, namespace, at] of [['far', 'other', 1], ['near', 'shop', 9], ['bare', 'shop', 10]] as const) pods.put(member(uid, `10.0.1.${at}`, { namespace, workload: uid === 'bare' ? null : 'Deployment/x', createdMs: T0 + at }))
  await bench.until(() => victims(bench).length === 4)
  t.strictSame(victims(bench), ['u9', 'near', 'bare', 'far'])
})
