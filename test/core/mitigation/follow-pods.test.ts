import fc from 'fast-check'
import t from 'tap'
import { Value } from 'typebox/value'
import { followPods, type Following } from '../../../src/core/mitigation/follow-pods.ts'
import { workloadKey } from '../../../src/core/pod.ts'
import { createMitigation, endOf, withTargets } from '../../../src/core/mitigation/lifecycle.ts'
import { EVERY_POD, MAX_VICTIMS, Mitigation, type MitigationSpec } from '../../../src/core/mitigation/mitigation.ts'
import type { Pod } from '../../../src/core/pod.ts'

/** Where no NetworkPolicy carries anything. */
const withProxies = (mitigation: Mitigation, answers: Parameters<typeof withTargets>[1], nowMs: number): Mitigation => withTargets(mitigation, answers, null, nowMs)

const NOW_MS = Date.parse('2026-06-01T12:00:10.400Z')
const LATER_MS = NOW_MS + 60_000

const pod = (uid: string, overrides: Partial<Pod> = {}): Pod => ({
  uid, namespace: 'shop', name: uid, addresses: [`10.0.0.${uid.length}`], labels: {}, node: 'n1', workload: 'StatefulSet/db', createdMs: NOW_MS - 60_000, ...overrides,
})
const BAD = pod('bad', { namespace: 'lab', workload: 'Deployment/tool', addresses: ['10.0.0.66'] })
const DB = pod('db', { addresses: ['10.0.0.3'] })
const later = (uid: string, overrides: Partial<Pod> = {}): Pod => pod(uid, { createdMs: NOW_MS + 5_000, ...overrides })

function born (change: Partial<MitigationSpec> = {}): Mitigation {
  const spec: MitigationSpec = {
    owner: { policy: 'p.yaml', rule: 'r', hash: 'h' },
    detection: 'd-1',
    subject: { uid: 'bad', addresses: ['10.0.0.66'], namespace: 'lab', name: 'bad' },
    victims: [{ uid: 'db', addresses: ['10.0.0.3'], namespace: 'shop', name: 'db' }],
    workloads: ['shop/StatefulSet/db'],
    direction: 'ingress',
    ports: 'any',
    action: 'deny',
    mode: 'enforce',
    expiresAt: '2026-06-01T13:00:00.000Z',
    reason: 'a scan',
    ...change,
  }
  return createMitigation(spec, { name: 'm-1', uid: 'u-1', plan: { undo: 'Lifts it.', targets: [], reason: 'RuleMatched', message: 'Denies it.' } }, NOW_MS)
}

/** With these pods, all of which may be restricted in front of; the oldest first. */
function follow (mitigation: Mitigation, pods: readonly Pod[]): Following {
  const placesOf = (workloads: readonly string[]) => pods.filter((each) => each.addresses.length > 0 && (workloads.includes(EVERY_POD) || workloads.includes(workloadKey(each) ?? '')))
  return followPods(mitigation, {
    byUid: (uid) => pods.find((each) => each.uid === uid) ?? null,
    places: (workloads) => placesOf(workloads).toSorted((one, other) => (one.createdMs ?? 0) - (other.createdMs ?? 0)),
    placeOf: (uid, workloads) => placesOf(workloads).find((each) => each.uid === uid) ?? null,
  }, LATER_MS)
}
const uids = (refs: readonly { uid: string }[]): readonly string[] => refs.map(({ uid }) => uid)

/** What is told of an outcome: victims after it, who joined, who left, who has other addresses, who is left out. */
function told (following: Following): unknown {
  if (following.outcome !== 'amended') return following.outcome
  const { mitigation: { spec, status }, joined, left, readdressed } = following
  return { victims: uids(spec.victims), joined: uids(joined), left: uids(left), readdressed: uids(readdressed), leftOut: status.leftOut ?? 0 }
}
const amended = (change: object) => ({ victims: ['db'], joined: [], left: [], readdressed: [], leftOut: 0, ...change })

const rows: readonly [string, Partial<MitigationSpec>, readonly Pod[], unknown][] = [
  ['all are there', {}, [BAD, DB], 'same'],
  ['a pod of another workload came', {}, [BAD, DB, later('x', { workload: 'Deployment/x' })], 'same'],
  ['a pod of that name in another namespace came', {}, [BAD, DB, later('x', { namespace: 'other' })], 'same'],
  ['a pod of no workload came', {}, [BAD, DB, later('x', { workload: null })], 'same'],
  ['a sibling was there before', {}, [BAD, DB, pod('db-1')], 'same'],
  ['a sibling of which nobody knows since when', {}, [BAD, DB, (({ createdMs: _, ...rest }) => rest)(pod('db-1'))], 'same'],
  ['it was scaled up', {}, [BAD, DB, later('db-1'), later('db-2', { createdMs: NOW_MS + 1_000 })], amended({ victims: ['db', 'db-2', 'db-1'], joined: ['db-2', 'db-1'] })],
  ['a pod came in the same second', {}, [BAD, DB, later('db-1', { createdMs: Date.parse('2026-06-01T12:00:10Z') })], amended({ victims: ['db', 'db-1'], joined: ['db-1'] })],
  ['a pod came that has no address yet', {}, [BAD, DB, later('db-1', { addresses: [] })], 'same'],
  ['the victim was replaced', {}, [BAD, later('db-1')], amended({ victims: ['db-1'], joined: ['db-1'], left: ['db'] })],
  ['the last victim is gone', {}, [BAD], amended({ victims: [], left: ['db'] })],
  ['after the last victim another came', { victims: [] }, [BAD, later('db-1')], amended({ victims: ['db-1'], joined: ['db-1'] })],
  ['a victim has another address', {}, [BAD, { ...DB, addresses: ['10.0.0.3', 'fd00::3'] }], amended({ readdressed: ['db'] })],
  ['a victim has none for now', {}, [BAD, { ...DB, addresses: [] }], 'same'],
  ['the subject has one more', {}, [{ ...BAD, addresses: ['10.0.0.66', 'fd00::66'] }, DB], amended({ readdressed: ['bad'] })],
  ['the subject has none for now', {}, [{ ...BAD, addresses: [] }, DB], 'same'],
  ['the subject is gone', {}, [DB], 'ended'],
  ['the subject was replaced', {}, [{ ...BAD, uid: 'bad-1' }, DB], 'ended'],
  ['the subject is of the victim\'s workload', { workloads: ['lab/Deployment/tool'] }, [{ ...BAD, createdMs: NOW_MS }, DB], 'same'],
  ['every pod joins, whatever its workload and age', { workloads: [EVERY_POD] }, [BAD, DB, later('x', { workload: null }), pod('old')], amended({ victims: ['db', 'old', 'x'], joined: ['old', 'x'] })],
  ['nobody joins it', { workloads: [] }, [BAD, DB, later('db-1')], 'same'],
  ['it cuts off from the outside', { victims: [], workloads: [], destinations: ['203.0.113.9'] }, [BAD], 'same'],
  ['it limits its victim itself', { subject: 'anySource', action: 'limit', limit: { value: 1, unit: 'connections/s', burst: 1 } }, [later('db-1')], 'same'],
]
for (const [name, change, pods, wanted] of rows) {
  t.test(name, async (t) => {
    const following = follow(born(change), pods)
    t.strictSame(told(following), wanted)
    if (following.outcome === 'same') return
    t.equal(Value.Check(Mitigation, following.mitigation), true, 'it fits its schema')
    if (following.outcome === 'amended') t.strictSame(follow(following.mitigation, pods), { outcome: 'same' }, 'and once more changes nothing')
  })
}

t.test('an amendment is a new generation of the spec, and takes the addresses of now', async (t) => {
  const following = follow(born(), [{ ...BAD, addresses: ['10.0.0.67'] }, DB, later('db-1')])
  t.match(following, {
    mitigation: {
      metadata: { generation: 2 },
      spec: { subject: { uid: 'bad', addresses: ['10.0.0.67'], name: 'bad' }, victims: [{ uid: 'db' }, { uid: 'db-1', addresses: ['10.0.0.4'], namespace: 'shop', name: 'db-1' }] },
    }
  })
})

t.test('with its pod a mitigation ends, holds nothing more, and says why', async (t) => {
  const following = follow(born(), [DB])
  if (following.outcome !== 'ended') throw new Error(following.outcome)
  t.match(following.mitigation.status, { phase: 'expired', endedAt: new Date(LATER_MS).toISOString(), conditions: [{ type: 'Accepted', status: 'True' }, { type: 'Programmed', status: 'False', reason: 'SubjectGone', message: /^Pod lab\/bad is gone/ }, { status: 'False' }, { status: 'False' }] })
  t.equal(endOf(following.mitigation), 'SubjectGone')
})

t.test('of a workload beyond the bound the first join, the rest is counted and said, and takes the places that become free', async (t) => {
  const crowd = Array.from({ length: MAX_VICTIMS + 20 }, (_, at) => later(`db-${at}`, { createdMs: NOW_MS + 1_000 * at, addresses: [`10.1.${at >> 8}.${at & 255}`] }))
  const full = follow(born(), [BAD, DB, ...crowd])
  if (full.outcome !== 'amended') throw new Error(full.outcome)
  t.equal(full.mitigation.spec.victims.length, MAX_VICTIMS)
  t.equal(full.mitigation.status.leftOut, 21)
  t.match(withProxies(full.mitigation, [], LATER_MS).status.conditions, [{}, {}, {}, { type: 'Degraded', status: 'True', reason: 'VictimsLeftOut', message: /500 pods; 21 more/ }])
  const fewer = follow(full.mitigation, [BAD, ...crowd.slice(15)])
  t.match(told(fewer), { joined: { length: 16 }, left: { length: 16 }, leftOut: 5 })
  t.equal(fewer.outcome === 'amended' && fewer.joined[0]?.uid, `db-${MAX_VICTIMS - 1}`, 'the oldest first')
  const [one = DB] = crowd.slice(-1)
  const more = follow(full.mitigation, [BAD, DB, ...crowd, { ...one, uid: 'db-new' }])
  t.match(more, { outcome: 'amended', joined: [], mitigation: { metadata: { generation: 2 }, status: { leftOut: 22 } } }, 'the spec is as it was')
  const all = follow(full.mitigation, [BAD, DB, ...crowd.slice(0, MAX_VICTIMS - 1)])
  t.equal(all.outcome === 'amended' && all.mitigation.status.leftOut, undefined)
})

t.test('whatever comes and goes: done twice it changes nothing, and no pod is there twice, gone, or the subject', async (t) => {
  const some = fc.uniqueArray(fc.record({ at: fc.nat(12), isLater: fc.boolean(), addressed: fc.boolean(), elsewhere: fc.boolean() }), { selector: ({ at }) => at, maxLength: 13 })
  fc.assert(fc.property(some, some, fc.constantFrom('shop/StatefulSet/db', EVERY_POD), (first, second, workload) => {
    const podsOf = (given: typeof first) => [BAD, ...given.map(({ at, isLater, addressed, elsewhere }) => pod(at === 0 ? 'db' : `db-${at}`, {
      addresses: addressed ? [`10.0.1.${at}`] : [], createdMs: NOW_MS + (isLater ? 5_000 : -5_000), ...(elsewhere && { workload: 'Deployment/x' }),
    }))]
    let mitigation = born({ workloads: [workload] })
    for (const pods of [podsOf(first), podsOf(second)]) {
      const following = follow(mitigation, pods)
      if (following.outcome === 'ended') return false
      if (following.outcome === 'amended') mitigation = following.mitigation
      const victims = uids(mitigation.spec.victims)
      const fits = new Set(victims).size === victims.length && !victims.includes('bad') && victims.every((uid) => pods.some((each) => each.uid === uid))
      if (!fits || follow(mitigation, pods).outcome !== 'same') return false
    }
    return true
  }), { numRuns: 500, seed: 5 })
})
