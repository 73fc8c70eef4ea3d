import t from 'tap'
import type { RestrictionCount } from '../../../src/core/mitigation/restriction-count.ts'
import { MAX_MESH_POLICIES, type MeshPolicy } from '../../../src/core/rollout/mesh-policy.ts'
import type { ControllerParts } from '../../../src/controller/controller-parts.ts'
import { AutoshieldError } from '../../../src/core/errors.ts'
import { ATTACKER, madeScore, T0 } from '../../core/verdict/made-score.ts'
import { madePolicy, madeSpec } from '../../core/rollout/made-policy.ts'
import type { Mitigation } from '../../../src/core/mitigation/mitigation.ts'
import type { Pod } from '../../../src/core/pod.ts'
import type { ProxyFleet, ProxyStatus } from '../../../src/ports/proxies.ts'
import { Bench, PODS } from '../bench.ts'

/** The policy file says nothing of scans, so that what is seen is the mesh policy's. */
const FILE = 'rules: [{ id: floods, name: Floods, attack_class: SYN_FLOOD, actions: [{ action_type: alert_only }] }]'
const GATES = { minAttempts: 100, minTried: 5, minSeconds: 0, maxLegitimateDenials: 0.01 }
const SPEC = { canaryShares: [50], gates: GATES, restrictions: [{ name: 'scans', class: 'PORT_SCAN', action: 'deny', ttlSeconds: 86_400 }] }
const NAME = 'careful'

async function started (t: { testdir: () => string }, spec: object = SPEC, dir = t.testdir(), wrap: (parts: ControllerParts) => Partial<ControllerParts> = () => ({})): Promise<Bench> {
  const bench = await Bench.start(dir, { policy: FILE, wrap })
  await bench.store.meshPolicies.ask(NAME, madeSpec(spec), new Date(bench.nowMs).toISOString())
  await bench.beat()
  return bench
}

/** Time for what could begin to begin. */
async function turns (): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const of = (bench: Bench): MeshPolicy => {
  const policy = bench.controller.rollouts.get(NAME)
  if (policy === null) throw new Error('the policy is gone')
  return policy
}
const reason = (bench: Bench) => of(bench).status.conditions.find(({ type }) => type === 'Progressing')?.reason

/** Connections of somebody whom nothing is suspected of, in the next whole window. */
async function traffic (bench: Bench, attempts: number, failed = 0, simulated = false): Promise<void> {
  bench.nowMs = Math.ceil((bench.nowMs + 1) / 15_000) * 15_000 + 15_000
  await bench.scores.push(madeScore({}, {
    key: { kind: 'pair', source: '10.0.0.8', destination: '10.0.0.9' }, stepMs: 15_000, endMs: bench.nowMs, simulated, features: { flow_count: attempts, failed_conn_ratio: failed / attempts },
  }))
}

const scan = async (bench: Bench): Promise<void> => bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: bench.nowMs, reporter: ATTACKER }))
/** Of the scanner's attempts. */
const counts = async (bench: Bench, what: Partial<RestrictionCount>): Promise<void> => bench.scores.tell({
  type: 'restrictions', counts: [{ podUid: 'u9', source: '10.0.0.7', destination: '10.0.0.9', port: null, unit: 'connections', atMs: bench.nowMs, attempts: 0, denied: 0, limited: 0, passed: 0, shadowed: 0, ...what }],
})
const mine = (bench: Bench) => bench.store.mitigations.list().filter(({ spec }) => spec.owner.policy === `meshpolicy/${NAME}`)
const active = (bench: Bench) => mine(bench).filter(({ status }) => status.phase === 'active').map(({ spec }) => spec.mode)

/** From observing to shadow, with a restriction there. */
async function toShadow (bench: Bench): Promise<void> {
  bench.fleet.answer('in-sync')
  await bench.beat()
  await traffic(bench, 100)
  await bench.beat()
  await scan(bench)
  bench.fleet.answer('in-sync')
}

async function toCanary (bench: Bench): Promise<void> {
  await toShadow(bench)
  await scan(bench)
  await counts(bench, { attempts: 6, passed: 6, shadowed: 6 })
  await traffic(bench, 100)
  await bench.beat()
  await scan(bench)
  bench.fleet.answer('in-sync')
}

t.test('a policy goes from observing to enforcing as far as what was seen allows, each step in the trail', async (t) => {
  await using bench = await started(t)
  t.equal(reason(bench), 'NoTargets')
  bench.fleet.answer('pending')
  await bench.beat()
  t.equal(reason(bench), 'Pending')
  bench.fleet.answer('in-sync')
  await bench.beat()
  t.equal(reason(bench), 'TooLittleTraffic')

  await scan(bench)
  t.match(bench.store.decisions.list(), [{ policy: `meshpolicy/${NAME}`, verdict: 'alert', reason: 'Observing', mitigation: null }], 'it tells, and restricts nobody')

  await traffic(bench, 100)
  await bench.beat()
  t.match(of(bench).status, { stage: 'shadow', share: 0 })
  await scan(bench)
  t.match(bench.store.decisions.list()[0], { verdict: 'simulate', reason: 'Rehearsed' })
  t.strictSame(active(bench), ['shadow'])
  bench.fleet.answer('in-sync')

  await traffic(bench, 500)
  await bench.beat()
  t.equal(reason(bench), 'NothingTried', 'traffic that met no restriction proves nothing of it')
  await scan(bench)
  await counts(bench, { attempts: 6, passed: 6, shadowed: 6 })
  await bench.beat()
  t.match(of(bench).status, { stage: 'canary', share: 50, evidence: { others: { tried: 0 } } })

  await scan(bench)
  t.match(bench.store.decisions.list()[0], { verdict: 'mitigate', reason: 'RuleMatched' })
  t.strictSame(active(bench).toSorted(), ['enforce', 'shadow'])
  bench.fleet.answer('in-sync')
  await scan(bench)
  await counts(bench, { attempts: 9, denied: 9 })
  await traffic(bench, 200)
  await bench.beat()
  t.match(of(bench).status, { stage: 'enforce', share: 100 })
  await bench.beat()
  t.match(of(bench).status.conditions, [{ type: 'Progressing', status: 'False', reason: 'TargetReached' }, { type: 'Degraded', status: 'False' }])
  t.strictSame(bench.audit.search({ object: `meshpolicy/${NAME}` }).toReversed().map(({ actor, action, detail }) => [actor, action, detail['from'], detail['to']]), [
    ['autoshield', 'rollout.promote', 'observe', 'shadow'], ['autoshield', 'rollout.promote', 'shadow', 'canary 50 %'], ['autoshield', 'rollout.promote', 'canary 50 %', 'enforce'],
  ])
})

t.test('legitimate traffic that is stopped takes it back, ends what it enforced, and says why on the object', async (t) => {
  await using bench = await started(t)
  await toCanary(bench)
  t.equal(of(bench).status.stage, 'canary')
  t.strictSame(active(bench).toSorted(), ['enforce', 'shadow'])
  await counts(bench, { attempts: 30, denied: 30 })
  await bench.beat()
  t.equal(of(bench).status.stage, 'canary', 'what a suspect loses is no loss')
  await bench.beat(60_000)
  t.match(bench.store.detections.list(), [{ phase: 'closed' }])
  await counts(bench, { attempts: 30, denied: 30 })
  await bench.beat()
  t.match(of(bench).status, { stage: 'shadow', share: 0, hold: { by: 'autoshield', reason: 'BudgetSpent', message: /^30 attempts of legitimate sources/ } })
  t.strictSame(active(bench), ['shadow'])
  t.match(bench.audit.search({ action: 'rollout.roll-back' }), [{ reason: 'BudgetSpent', detail: { from: 'canary 50 %', to: 'shadow', evidence: { enforcing: { stopped: 30 } } } }])
})

t.test('a rate in shadow is reckoned from what passed: what it would have stopped of legitimate sources holds it', async (t) => {
  const limit = { value: 2, unit: 'requests/s', burst: 2 }
  await using bench = await started(t, { ...SPEC, restrictions: [{ name: 'scans', class: 'PORT_SCAN', action: 'limit', limit, ttlSeconds: 86_400 }] })
  await toShadow(bench)
  t.match(mine(bench), [{ spec: { action: 'limit', mode: 'shadow' } }])
  await bench.beat(60_000)
  t.match(bench.store.detections.list(), [{ phase: 'closed' }])
  await counts(bench, { unit: 'requests', attempts: 2, passed: 2 })
  await bench.beat()
  t.match(of(bench).status, { stage: 'shadow', hold: undefined })
  await counts(bench, { unit: 'requests', attempts: 100, passed: 100 })
  await bench.beat()
  t.match(of(bench).status, { stage: 'shadow', hold: { by: 'autoshield', reason: 'BudgetSpent' } })
})

t.test('a proxy that refuses takes it back, in its own words', async (t) => {
  await using bench = await started(t)
  await toCanary(bench)
  bench.fleet.answer('rejected', 'Error adding listener: duplicate filter chain')
  await bench.beat()
  t.match(of(bench).status, { stage: 'shadow', hold: { reason: 'Rejected', message: /duplicate filter chain/ } })
  t.strictSame(active(bench), ['shadow'])
})

t.test('a proxy that refused one restriction and works without it takes it back, too; the restriction of somebody else does not', async (t) => {
  await using bench = await started(t)
  await toCanary(bench)
  const [enforced] = mine(bench).filter(({ spec }) => spec.mode === 'enforce')
  bench.fleet.answer('in-sync', '', [{ mitigation: 'another', message: 'not mine' }])
  await bench.beat()
  t.equal(of(bench).status.stage, 'canary')
  bench.fleet.answer('in-sync', '', [{ mitigation: enforced?.metadata.name ?? '', message: 'no such filter' }])
  await bench.beat()
  t.match(of(bench).status, { stage: 'shadow', hold: { reason: 'Rejected', message: /u9: no such filter/ } })
})

t.test('what rests on a recording, or was seen before the step, is no evidence', async (t) => {
  await using bench = await started(t)
  bench.fleet.answer('in-sync')
  await bench.beat()
  await traffic(bench, 1_000, 0, true)
  await bench.scores.push(madeScore({}, { key: { kind: 'pair', source: '10.0.0.8', destination: '10.0.0.9' }, stepMs: 15_000, endMs: T0 - 60_000, features: { flow_count: 1_000 } }))
  await bench.beat()
  t.match(of(bench).status, { stage: 'observe', evidence: { others: { attempts: 0 } } })
})

t.test('each step begins with nothing seen: what took it here takes it no further', async (t) => {
  await using bench = await started(t)
  await toCanary(bench)
  await bench.beat(10_000)
  t.match(of(bench).status, { stage: 'canary', evidence: { enforcing: { attempts: 0, tried: 0 }, others: { attempts: 0, tried: 0 }, podsSeen: 0 } })
  t.equal(reason(bench), 'TooLittleTraffic')
})

t.test('a restarted controller goes on with what was seen', async (t) => {
  const dir = t.testdir()
  let nowMs = 0
  {
    await using bench = await started(t, SPEC, dir)
    bench.fleet.answer('in-sync')
    await bench.beat()
    await traffic(bench, 60)
    nowMs = bench.nowMs
  }
  await using bench = await Bench.start(dir, { policy: FILE, nowMs })
  bench.fleet.answer('in-sync')
  await bench.beat()
  await traffic(bench, 40)
  await bench.beat()
  t.equal(of(bench).status.stage, 'shadow')
})

t.test('a person steers it, by name, and what cannot be done is said', async (t) => {
  await using bench = await started(t)
  const { rollouts } = bench.controller
  t.match(await rollouts.command(NAME, 'promote', 'console:jo', 'I know it'), { status: { stage: 'shadow', history: [{ actor: 'console:jo', reason: 'Promoted' }] } })
  t.match(await rollouts.command(NAME, 'undo', 'console:jo', 'a release'), { status: { stage: 'observe', hold: { by: 'console:jo' } } })
  await bench.beat(10_000)
  t.equal(reason(bench), 'Paused')
  await rollouts.command(NAME, 'resume', 'console:jo', 'it is over')
  t.strictSame(bench.audit.search({ actor: 'console:jo' }).toReversed().map(({ action, reason }) => [action, reason]), [['rollout.promote', 'Promoted'], ['rollout.undo', 'Reverted'], ['rollout.resume', 'Resumed']])
  await t.rejects(rollouts.command(NAME, 'resume', 'console:jo', ''), { code: 'CONFLICT', message: /nothing to resume/ })
  await t.rejects(rollouts.command('nobody', 'pause', 'console:jo', ''), { code: 'NOT_FOUND', message: /autoshield rollout status/ })
  await t.rejects(rollouts.command(NAME, 'pause', ' ', ''), { code: 'USAGE' })
})

t.test('a look that is under way while a person takes a rollout back does not undo that', async (t) => {
  const looking = Promise.withResolvers<undefined>()
  const gate = Promise.withResolvers<undefined>()
  await using bench = await started(t, SPEC, t.testdir(), ({ meshPolicies }) => ({
    meshPolicies: {
      get: (name) => meshPolicies.get(name),
      list: () => meshPolicies.list(),
      tell: async (name, status) => {
        if (status.stage === 'enforce') {
          looking.resolve(undefined)
          await gate.promise
        }
        return meshPolicies.tell(name, status)
      },
    },
  }))
  await toCanary(bench)
  await counts(bench, { attempts: 9, denied: 9 })
  await traffic(bench, 200)
  const beat = bench.beat()
  await looking.promise // the step to enforce is decided, and not written yet
  const undone = bench.controller.rollouts.command(NAME, 'undo', 'console:jo', 'a release')
  await turns()
  gate.resolve(undefined)
  await Promise.all([undone, beat])
  await bench.beat()
  t.match(of(bench).status, { stage: 'shadow', hold: { by: 'console:jo' } })
  t.strictSame(active(bench), ['shadow'])
})

t.test('a step that could not be kept is decided anew, and what a person does meanwhile stands', async (t) => {
  let isFull = true
  await using bench = await started(t, SPEC, t.testdir(), ({ audit }) => ({
    audit: { append: async (entry) => isFull && entry.action === 'rollout.promote' && entry.actor === 'autoshield' ? Promise.reject(new AutoshieldError('UNAVAILABLE', 'full')) : audit.append(entry), search: (query) => audit.search(query) },
  }))
  bench.fleet.answer('in-sync')
  await bench.beat()
  await traffic(bench, 100)
  await bench.beat()
  t.equal(of(bench).status.stage, 'observe', 'what is not in the trail did not happen')
  t.match(bench.logged.at(-1), /could not be kept; it is decided anew/)
  await bench.controller.rollouts.command(NAME, 'pause', 'console:jo', 'a release')
  isFull = false
  await bench.beat()
  t.match(of(bench).status, { stage: 'observe', hold: { by: 'console:jo' } })
  await bench.controller.rollouts.command(NAME, 'resume', 'console:jo', 'it is over')
  await traffic(bench, 100)
  await bench.beat()
  t.equal(of(bench).status.stage, 'shadow')
  t.equal(bench.audit.search({ action: 'rollout.promote' }).length, 1)
})

t.test('what goes back by itself goes back also while the trail takes nothing', async (t) => {
  let isFull = false
  await using bench = await started(t, SPEC, t.testdir(), ({ audit }) => ({
    audit: { append: async (entry) => isFull ? Promise.reject(new AutoshieldError('UNAVAILABLE', 'full')) : audit.append(entry), search: (query) => audit.search(query) },
  }))
  await toCanary(bench)
  isFull = true
  bench.fleet.answer('rejected', 'duplicate filter chain')
  await bench.beat()
  t.match(of(bench).status, { stage: 'shadow', hold: { reason: 'Rejected' } })
  isFull = false
  await bench.beat()
  t.match(bench.audit.search({ action: 'rollout.roll-back' }), [{ reason: 'Rejected' }])
})

t.test('at its target, what was stopped long ago adds up no more, and what passed long ago pays for nothing', async (t) => {
  const HOUR_MS = 3_600_000
  await using bench = await started(t)
  await toCanary(bench)
  await bench.controller.rollouts.command(NAME, 'promote', 'console:jo', 'known')
  await scan(bench)
  await bench.beat(60_000)
  t.match(bench.store.detections.list(), [{ phase: 'closed' }])
  await counts(bench, { attempts: 1, denied: 1 })
  await bench.beat(2 * HOUR_MS)
  await counts(bench, { attempts: 1, denied: 1 })
  for (let beat = 0; beat < 5; beat++) await bench.beat() // counts alone are written at every fifth
  t.match(of(bench).status, { stage: 'enforce', evidence: { enforcing: { stopped: 1 } } }, 'one in an hour is within the budget')
  await traffic(bench, 100_000)
  await bench.beat(2 * HOUR_MS)
  await counts(bench, { attempts: 30, denied: 30 })
  await bench.beat()
  t.match(of(bench).status, { stage: 'shadow', hold: { reason: 'BudgetSpent', message: /^30 attempts/ } })
})

t.test('a spec that changes takes it back, ends what the old one made, and is brought in anew', async (t) => {
  await using bench = await started(t)
  await toCanary(bench)
  await bench.store.meshPolicies.ask(NAME, madeSpec({ ...SPEC, restrictions: [{ ...SPEC.restrictions[0], ports: [22] }] }), new Date(bench.nowMs).toISOString())
  await bench.beat()
  t.match(of(bench).status, { stage: 'shadow', hold: undefined, evidence: { others: { attempts: 0 } }, history: [{ reason: 'SpecChanged' }] })
  t.strictSame(active(bench), [])
  t.match(bench.audit.search({ action: 'mitigation.reverted' })[0], { reason: 'RolledBack', actor: 'autoshield' })
  await bench.beat(10_000)
  t.not(reason(bench), 'EvidenceSuffices', 'what was seen of the old one takes it nowhere')
  await scan(bench)
  t.match(mine(bench).filter(({ status }) => status.phase === 'active'), [{ spec: { mode: 'shadow', ports: [22] } }])
})

t.test('where one of its victims leaves the scope, an attacker stays restricted in front of the others', async (t) => {
  const victim = (n: number, namespace: string): Pod => ({ uid: `v${n}`, namespace, name: `v-${n}`, addresses: [`10.0.1.${n}`], labels: {}, node: 'n1' })
  let pods: readonly Pod[] = [...PODS, victim(1, 'shop'), victim(2, 'shop')]
  const statuses = (fleet: ProxyFleet) => ({ apply: (mitigations: readonly Mitigation[]) => fleet.apply(mitigations), heard: () => true, snapshot: () => null, onChange: (listener: (status: ProxyStatus) => void) => fleet.onChange(listener) })
  await using bench = await started(t, { ...SPEC, scope: { namespaces: ['shop'] } }, t.testdir(), ({ proxies }) => ({
    pods: { byAddress: (address) => pods.find(({ addresses }) => addresses.includes(address)) ?? null, byUid: (uid) => pods.find((pod) => pod.uid === uid) ?? null, list: () => pods },
    proxies: { ...statuses(proxies), statuses: () => ['v1', 'v2'].map((podUid) => ({ podUid, connected: true, version: 'v1', state: 'in-sync', message: '', mitigations: [], since: '2026-01-01T00:00:00.000Z', refused: [], taken: [], shortfalls: [], openConnections: {} })) },
  }))
  const sweep = async () => bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { key: { kind: 'fan-out', source: '10.0.0.7' }, endMs: bench.nowMs, reporter: ATTACKER }))
  const victims = () => mine(bench).filter(({ status }) => status.phase === 'active').map(({ spec }) => [spec.mode, spec.victims.map(({ uid }) => uid).toSorted()])
  for (const stage of ['shadow', 'canary', 'enforce']) t.match(await bench.controller.rollouts.command(NAME, 'promote', 'console:jo', 'known'), { status: { stage } })
  await sweep()
  t.strictSame(victims(), [['enforce', ['v1', 'v2']]])
  pods = [...PODS, victim(1, 'shop'), victim(2, 'bank')]
  await bench.beat()
  t.strictSame(victims(), [])
  bench.nowMs += 10_000
  await sweep()
  t.strictSame(victims(), [['enforce', ['v1']]])
})

t.test('a policy that is deleted ends at once what it made', async (t) => {
  await using bench = await started(t)
  await toCanary(bench)
  t.match(await bench.controller.rollouts.remove(NAME, 'console:jo', 'not needed'), { metadata: { name: NAME }, status: { stage: 'canary' } })
  t.strictSame([bench.controller.rollouts.get(NAME), active(bench), bench.fleet.inForce], [null, [], []])
  t.match(bench.audit.search({ action: 'rollout.deleted' }), [{ actor: 'console:jo', detail: { from: 'canary 50 %', message: 'not needed' } }])
  await t.rejects(bench.controller.rollouts.remove(NAME, 'console:jo', 'again'), { code: 'NOT_FOUND' })
})

t.test('what is asked for or deleted and cannot be kept in the trail is as it was', async (t) => {
  let isFull = false
  await using bench = await started(t, SPEC, t.testdir(), ({ audit }) => ({
    audit: { append: async (entry) => isFull ? Promise.reject(new AutoshieldError('UNAVAILABLE', 'full')) : audit.append(entry), search: (query) => audit.search(query) },
  }))
  const { rollouts } = bench.controller
  const before = of(bench)
  isFull = true
  await t.rejects(rollouts.apply(NAME, { ...SPEC, paused: true }, 'console:jo'), { code: 'UNAVAILABLE' })
  await t.rejects(rollouts.apply('another', SPEC, 'console:jo'), { code: 'UNAVAILABLE' })
  await t.rejects(rollouts.remove(NAME, 'console:jo', 'x'), { code: 'UNAVAILABLE' })
  t.strictSame(rollouts.list(), [before])
})

t.test('one policy more than are followed says so, and takes the place of none', async (t) => {
  const policies = new Map<string, MeshPolicy>()
  await using bench = await Bench.start(t.testdir(), {
    policy: FILE,
    wrap: () => ({
      meshPolicies: {
        get: (name) => policies.get(name) ?? null,
        list: () => [...policies.values()].toSorted((left, right) => left.metadata.name < right.metadata.name ? -1 : 1),
        tell: async (name, status) => {
          const known = policies.get(name)
          if (known === undefined) throw new AutoshieldError('NOT_FOUND', 'gone')
          policies.set(name, { ...known, status })
          return { ...known, status }
        },
      }
    }),
  })
  const made = (name: string, second: number): void => {
    const policy = madePolicy()
    policies.set(name, { ...policy, metadata: { ...policy.metadata, name, creationTimestamp: new Date(T0 + second * 1_000).toISOString() } })
  }
  for (let n = 0; n < MAX_MESH_POLICIES; n++) made(`old-${n}`, n)
  made('new', MAX_MESH_POLICIES) // the first by name
  await bench.beat()
  await bench.beat()
  const why = (name: string) => policies.get(name)?.status.conditions.find(({ type }) => type === 'Progressing')
  t.match(why('new'), { status: 'False', reason: 'NotFollowed', message: /the 64 oldest/i })
  t.strictSame([...policies.keys()].filter((name) => why(name)?.reason === 'NotFollowed'), ['new'])
  t.equal(bench.logged.filter((line) => /oldest mesh policies are followed/.test(line)).length, 1, 'it is logged once')
  await t.rejects(bench.controller.rollouts.command('new', 'promote', 'console:jo', 'x'), { code: 'CONFLICT', message: /not followed/ })
  policies.delete('old-0')
  await bench.beat()
  t.not(why('new')?.reason, 'NotFollowed')
})

t.test('an undo ends at once what was enforced', async (t) => {
  await using bench = await started(t)
  await toCanary(bench)
  await bench.controller.rollouts.command(NAME, 'undo', 'console:jo', 'a release')
  await bench.beat()
  t.strictSame(active(bench), ['shadow'])
  t.equal(bench.fleet.inForce.length, 1)
})

t.test('a step that cannot be kept in the trail is not made', async (t) => {
  await using bench = await Bench.start(t.testdir(), {
    policy: FILE,
    wrap: ({ audit }) => ({ audit: { append: async (entry) => entry.action === 'rollout.pause' ? Promise.reject(new AutoshieldError('UNAVAILABLE', 'full')) : audit.append(entry), search: (query) => audit.search(query) } }),
  })
  await bench.store.meshPolicies.ask(NAME, madeSpec(SPEC), new Date(bench.nowMs).toISOString())
  await t.rejects(bench.controller.rollouts.command(NAME, 'pause', 'console:jo', ''), { code: 'UNAVAILABLE' })
  t.equal(of(bench).status.hold, undefined)
})

t.test('a policy is asked for and changed by name, and a bad one is refused with its places', async (t) => {
  await using bench = await started(t)
  await bench.controller.rollouts.apply(NAME, { ...SPEC, paused: true }, 'console:jo')
  await bench.beat()
  t.equal(reason(bench), 'Paused')
  t.match(bench.audit.search({ action: 'rollout.asked' }), [{ actor: 'console:jo', object: `meshpolicy/${NAME}` }])
  await t.rejects(bench.controller.rollouts.apply(NAME, { restrictions: [] }, 'console:jo'), { code: 'BAD_DATA', message: /careful: spec\.restrictions/ })
})
