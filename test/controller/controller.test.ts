import t from 'tap'
import { verifyAudit } from '../../src/adapters/store/verify-audit.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { ConditionType, Mitigation } from '../../src/core/mitigation/mitigation.ts'
import type { Checkpoints } from '../../src/ports/object-store.ts'
import type { Score } from '../../src/core/verdict/score.ts'
import { ATTACKER, madeScore, T0, type Made } from '../core/verdict/made-score.ts'
import { DEFAULT_SAFETY_FILE } from '../../src/core/safety/settings.ts'
import { parseSafetyState } from '../../src/core/safety/state.ts'
import { Bench, POLICY, refusing } from './bench.ts'

/** A scan that the source's own observer confirms, in the n-th half second. */
const scan = (n = 1, made: Made = {}): Score => madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 * n, reporter: ATTACKER, ...made })
const only = (bench: Bench): Mitigation => {
  const [mitigation, ...more] = bench.store.mitigations.list()
  if (mitigation === undefined || more.length > 0) throw new Error(`${more.length + (mitigation === undefined ? 0 : 1)} mitigations`)
  return mitigation
}
const condition = (mitigation: Mitigation, type: ConditionType) => mitigation.status.conditions.find((each) => each.type === type)

t.test('one attack is one detection, one decision and one mitigation, however many windows it fills', async (t) => {
  await using bench = await Bench.start(t.testdir())
  for (let n = 1; n <= 30; n++) await bench.scores.push(scan(n))
  await bench.beat()
  t.equal(bench.store.detections.list().length, 1)
  t.match(bench.store.detections.list()[0], { phase: 'open', count: 30, source: { uid: 'u7' }, target: { uid: 'u9' } })
  t.match(bench.store.decisions.list(), [{ rule: 'Scans', verdict: 'mitigate', reason: 'RuleMatched', action: 'network_policy' }])
  t.match(only(bench), { spec: { subject: { uid: 'u7' }, victims: [{ uid: 'u9' }], action: 'deny', mode: 'enforce' }, status: { phase: 'active', simulated: false } })
  t.strictSame(bench.fleet.inForce, [only(bench).metadata.name])
  t.strictSame(bench.metrics.active, { enforced: 1, simulated: 0 })
})

t.test('what is decided is on the disk and in the trail before it is done', async (t) => {
  await using bench = await Bench.start(t.testdir())
  let seen: unknown = null
  bench.fleet.onApply = () => {
    seen = {
      detections: bench.store.detections.list().length,
      decisions: bench.store.decisions.list().length,
      mitigations: bench.store.mitigations.list().length,
      trail: bench.audit.search({ action: 'decision.mitigate' }).length,
    }
  }
  await bench.scores.push(scan())
  t.strictSame(seen, { detections: 1, decisions: 1, mitigations: 1, trail: 1 })
  t.strictSame(bench.trail(), ['policy.loaded policy Stored', 'decision.mitigate detection RuleMatched', 'mitigation.applied mitigation RuleMatched'])
})

t.test('the explanation comes afterwards and holds nothing up', async (t) => {
  await using bench = await Bench.start(t.testdir())
  const asked = Promise.withResolvers<undefined>()
  bench.scores.explaining = async () => asked.promise
  await bench.scores.push(scan(1, { features: { unique_ports: 214 } }))
  t.equal(bench.fleet.inForce.length, 1, 'it is mitigated before the detector has answered')
  const [first] = bench.store.detections.list()
  t.match(first?.explanation.sentence, /10\.0\.0\.7 tried 214 different ports of 10\.0\.0\.9/, 'a first account is there')
  asked.resolve(undefined)
  await bench.until(() => (bench.store.detections.list()[0]?.explanation.evidence[0]?.contribution ?? 0) > 0)
  t.match(bench.store.detections.list()[0]?.explanation.evidence[0], { feature: 'unique_ports', contribution: 0.9 })
})

t.test('an ACK makes it Programmed, a NACK Degraded in the proxy\'s own words', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await bench.scores.push(scan())
  bench.fleet.answer('in-sync')
  await bench.until(() => condition(only(bench), 'Programmed')?.status === 'True')
  t.match(condition(only(bench), 'Programmed'), { reason: 'Acknowledged' })
  bench.fleet.answer('rejected', 'Error adding listener: duplicate filter chain')
  await bench.until(() => condition(only(bench), 'Degraded')?.status === 'True')
  t.match(condition(only(bench), 'Degraded'), { reason: 'Rejected', message: /duplicate filter chain/ })
  await bench.until(() => bench.trail().includes('mitigation.degraded mitigation Rejected'))
  t.ok(bench.trail().includes('mitigation.programmed mitigation Acknowledged'))
  t.ok(bench.events.some((event) => event.type === 'proxy'))
})

t.test('a refusal and the roll-back are in the trail once, in the proxy\'s words, also after a restart', async (t) => {
  const dir = t.testdir()
  const refusals = (bench: Bench) => bench.audit.search({ limit: 100 }).filter(({ action }) => /refused|rolled-back|proxy\./.test(action) && action !== 'policy.refused').reverse()
  let name = ''
  {
    await using bench = await Bench.start(dir)
    await bench.scores.push(scan())
    name = only(bench).metadata.name
    for (let i = 0; i < 3; i++) {
      bench.fleet.answer('in-sync', '', [{ mitigation: name, message: 'listener: 50ms is too short' }])
      await bench.until(() => bench.trail().includes('mitigation.degraded mitigation Rejected'))
      await bench.beat()
    }
    t.match(refusals(bench), [
      { actor: 'proxy/u9', action: 'mitigation.refused', object: `mitigation/${name}`, reason: 'Rejected', detail: { message: 'listener: 50ms is too short', version: 'v1' } },
      { actor: 'autoshield', action: 'proxy.rolled-back', object: 'proxy/u9', reason: 'Rejected', detail: { without: name, message: 'listener: 50ms is too short' } },
    ])
    t.equal(refusals(bench).length, 2)
    t.match(bench.audit.search({ action: 'mitigation.degraded' }), [{ reason: 'Rejected', detail: { message: /50ms/ } }])
  }
  await using bench = await Bench.start(dir, { nowMs: T0 + 9_000 })
  bench.fleet.answer('in-sync', '', [{ mitigation: name, message: 'listener: 50ms is too short' }])
  await bench.beat()
  t.equal(refusals(bench).length, 2)
  bench.fleet.answer('in-sync', '', [{ mitigation: name, message: 'something else' }])
  await bench.until(() => refusals(bench).length === 4)
})

t.test('a proxy that refuses everything is in the trail once, and so is its end', async (t) => {
  const dir = t.testdir()
  const said = (bench: Bench) => bench.audit.search({ object: 'proxy/u9', limit: 100 }).map(({ action, reason, detail: { message = '' } }) => `${action} ${reason} ${typeof message === 'string' ? message : '?'}`.trim()).reverse()
  {
    await using bench = await Bench.start(dir)
    bench.fleet.answer('rejected', 'no listener fits')
    await bench.until(() => said(bench).length === 1)
    bench.fleet.answer('rejected', 'no listener fits')
    await bench.beat()
  }
  await using bench = await Bench.start(dir, { nowMs: T0 + 9_000 })
  bench.fleet.answer('rejected', 'no listener fits')
  await bench.beat()
  bench.fleet.answer('in-sync')
  await bench.until(() => said(bench).length === 2)
  bench.fleet.answer('rejected', 'no listener fits')
  await bench.until(() => said(bench).length === 3)
  t.strictSame(said(bench), ['proxy.rejected Rejected no listener fits', 'proxy.mended Acknowledged', 'proxy.rejected Rejected no listener fits'])
})

t.test('a proxy that stays silent is named when its time is over, without news of any, and no undo waits for it', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await bench.scores.push(scan())
  const { name } = only(bench).metadata
  bench.fleet.answer('pending')
  await bench.until(() => only(bench).status.targets.some(({ state }) => state === 'pending'))
  await bench.beat(9_000)
  t.equal(condition(only(bench), 'Degraded')?.status, 'False')
  await bench.beat(1_000)
  await bench.until(() => condition(only(bench), 'Degraded')?.status === 'True')
  t.match(condition(only(bench), 'Degraded'), { reason: 'ProxySilent', message: /^proxy\/shop\/db-0 has not answered since / })
  t.match(condition(only(bench), 'Programmed'), { status: 'False', reason: 'Pending' })
  for (let i = 0; i < 5; i++) await bench.beat()
  t.equal(bench.audit.search({ action: 'mitigation.degraded' }).length, 1, 'told once')
  t.match(await bench.controller.revert(name, 'eva', 'enough'), { status: { phase: 'reverted' } })
  t.strictSame(bench.fleet.inForce, [])
})

t.test('before anybody has told of proxies, as after a restart, what was known of them stands', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await bench.scores.push(scan())
  bench.fleet.answer('in-sync')
  await bench.until(() => condition(only(bench), 'Programmed')?.status === 'True')
  bench.fleet.isHeard = false
  const { asked } = bench.fleet
  bench.fleet.answer('pending')
  await bench.until(() => bench.fleet.asked > asked)
  await bench.beat()
  t.match(condition(only(bench), 'Programmed'), { status: 'True', reason: 'Acknowledged' })
  bench.fleet.isHeard = true
  bench.fleet.answer('pending')
  await bench.until(() => condition(only(bench), 'Programmed')?.status === 'False')
})

t.test('what is seen after all proxies took it says whether it works', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await bench.scores.push(scan())
  t.equal(condition(only(bench), 'Enforcing')?.status, 'Unknown')
  bench.nowMs += 500
  bench.fleet.answer('in-sync')
  await bench.until(() => condition(only(bench), 'Programmed')?.status === 'True')
  await bench.scores.push(scan(4, { features: { flow_count: 9, failed_conn_ratio: 1 } }))
  t.match(condition(only(bench), 'Enforcing'), { status: 'True', reason: 'AttemptsStopped', message: /9 attempts/ })
  await bench.scores.push(scan(5, { features: { flow_count: 4, bytes_received: 100, failed_conn_ratio: 0.5 } }))
  t.match(condition(only(bench), 'Enforcing'), { status: 'False', reason: 'AttemptsContinue', message: /2 of 4/ })
  t.match(condition(only(bench), 'Degraded'), { status: 'True', reason: 'AttemptsContinue', message: /2 of 4 attempts got through: \S+ to / })
  t.strictSame(bench.trail().slice(-3), ['mitigation.enforcing mitigation AttemptsStopped', 'mitigation.enforcing mitigation AttemptsContinue', 'mitigation.degraded mitigation AttemptsContinue'])
})

t.test('what the victim\'s proxy counted says whether it works', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await bench.scores.push(scan())
  const { spec: { subject, victims: [victim] } } = only(bench)
  const count = (attempts: number, passed: number, afterMs: number, podUid = victim?.uid ?? '') => bench.scores.tell({
    type: 'restrictions',
    counts: [{ podUid, source: subject === 'anySource' ? '' : subject.addresses[0] ?? '', destination: victim?.addresses[0] ?? '', port: null, unit: 'connections', atMs: bench.nowMs + afterMs, attempts, denied: attempts - passed, limited: 0, passed, shadowed: 0 }],
  })
  const enforcing = () => condition(only(bench), 'Enforcing')
  await count(9, 0, 0)
  t.match(enforcing(), { status: 'Unknown' }, 'no proxy has taken it yet')
  bench.nowMs += 500
  bench.fleet.answer('in-sync')
  await bench.until(() => condition(only(bench), 'Programmed')?.status === 'True')
  await count(9, 9, -500)
  t.match(enforcing(), { status: 'Unknown' }, 'it was counted before the proxies had taken it')
  await count(9, 9, 0, 'u7')
  t.match(enforcing(), { status: 'Unknown' }, 'the suspect\'s own proxy is not asked')
  await count(9, 0, 0)
  t.match(enforcing(), { status: 'True', reason: 'AttemptsStopped', message: /^9 attempts/ })
  await count(5, 0, 500)
  t.match(enforcing(), { message: /^9 attempts/ }, 'the same answer is not written twice in ten seconds')
  await count(4, 1, 1_000)
  t.match(enforcing(), { status: 'False', reason: 'AttemptsContinue', message: /^1 of 9 attempts/ })
  bench.nowMs += 10_000
  await count(2, 0, 0)
  t.match(enforcing(), { status: 'True', message: /^2 attempts/ })
})

t.test('a replay is decided in full and never enforced', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await bench.scores.push(scan(1, { simulated: true }))
  t.match(bench.store.decisions.list(), [{ verdict: 'simulate', reason: 'SimulatedEvidence' }])
  t.match(only(bench), { spec: { mode: 'shadow' }, status: { simulated: true } })
  bench.fleet.answer('in-sync')
  await bench.beat()
  t.not(condition(only(bench), 'Programmed')?.status, 'True')
  t.strictSame(bench.metrics.active, { enforced: 0, simulated: 1 })
})

t.test('with actuation off everything is decided and nothing enforced', async (t) => {
  await using bench = await Bench.start(t.testdir(), { settings: { actuationEnabled: false } })
  await bench.scores.push(scan())
  t.match(bench.store.decisions.list(), [{ verdict: 'simulate', reason: 'ActuationDisabled' }])
  t.match(only(bench), { spec: { mode: 'shadow' }, status: { simulated: true } })
})

t.test('its time to live undoes it', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await bench.scores.push(scan())
  const { name } = only(bench).metadata
  await bench.beat(299_000)
  t.strictSame(bench.fleet.inForce, [name])
  await bench.beat(1_000)
  t.strictSame(bench.fleet.inForce, [])
  t.match(bench.store.mitigations.get(name), { status: { phase: 'expired' } })
  t.equal(bench.trail().at(-1), 'mitigation.expired mitigation Expired')
})

t.test('an attack that goes on beyond twelve times to live is decided anew, as the same detection', async (t) => {
  await using bench = await Bench.start(t.testdir(), { policy: POLICY.replace('ttl_seconds: 300', 'ttl_seconds: 20') })
  for (let n = 1; n < 660; n += 4) {
    await bench.scores.push(scan(n))
    await bench.beat(2_000)
  }
  t.equal(bench.store.detections.list().length, 1)
  t.strictSame(bench.store.mitigations.list().map(({ status }) => status.phase), ['active', 'expired'])
  t.strictSame(bench.fleet.inForce, [bench.store.mitigations.list()[0]?.metadata.name])
  t.strictSame(bench.store.decisions.list().map(({ verdict }) => verdict), ['mitigate', 'mitigate'])
})

t.test('a person\'s undo is kept, takes effect, names the person, and is not overruled for this detection', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await bench.scores.push(scan())
  const { name } = only(bench).metadata
  t.match(await bench.controller.revert(name, 'eva', 'a scanner of ours'), { status: { phase: 'reverted' } })
  t.strictSame(bench.fleet.inForce, [])
  t.match(bench.audit.search({ action: 'mitigation.reverted' }), [{ actor: 'eva', object: `mitigation/${name}`, reason: 'Reverted', detail: { reason: 'a scanner of ours' } }])
  for (let n = 5; n < 240; n += 4) {
    await bench.beat(2_000)
    await bench.scores.push(scan(n))
  }
  t.strictSame(bench.fleet.inForce, [], 'also when the cooldown has ended')
  await t.rejects(bench.controller.revert(name, 'eva', 'again'), { code: 'CONFLICT' })
  await t.rejects(bench.controller.revert('m-none', 'eva', ''), { code: 'NOT_FOUND' })
  await t.rejects(bench.controller.revert(name, ' ', ''), { code: 'USAGE' })
})

t.test('a bad policy keeps the old one in force and says so; a good one takes over', async (t) => {
  await using bench = await Bench.start(t.testdir())
  bench.policy.text = POLICY.replace('confidence_threshold', 'confidence_treshold')
  await bench.beat()
  await bench.beat()
  t.equal(bench.controller.policy().rules.length, 1)
  t.equal(bench.metrics.counted.at(-1), 'policy refused')
  t.match(bench.audit.search({ action: 'policy.refused' }), [{ detail: { problems: [/policy\.yaml:6:\d+: .*confidence_treshold/] } }])
  for (let i = 0; i < 4; i++) await bench.beat()
  t.equal(bench.audit.search({ action: 'policy.refused' }).length, 1, 'once')
  bench.policy.text = 'rules: []'
  for (let i = 0; i < 2; i++) await bench.beat()
  t.equal(bench.metrics.counted.at(-1), 'policy loaded')
  await bench.scores.push(scan())
  t.match(bench.store.decisions.list(), [{ rule: '', verdict: 'alert', reason: 'NoRule', action: null }])
})

t.test('a policy that is bad at the start is refused with every problem', async (t) => {
  const bench = new Bench(t.testdir(), { policy: 'rules: [{ nmae: x }]' })
  await t.rejects(bench.controller.run(new AbortController().signal), { code: 'BAD_DATA', message: /policy\.yaml:1:/ })
  await bench[Symbol.asyncDispose]()
})

t.test('after a kill it goes on: one detection, the mitigation in force, nothing decided twice', async (t) => {
  const dir = t.testdir()
  {
    // A killed process writes no last checkpoint, so none of the evidence is.
    const killed = (checkpoints: Checkpoints): Checkpoints => ({
      load: (name) => checkpoints.load(name),
      save: async (name, value) => name === 'verdict' ? undefined : checkpoints.save(name, value),
    })
    await using bench = await Bench.start(dir, { wrap: ({ checkpoints }) => ({ checkpoints: killed(checkpoints) }) })
    await bench.scores.push(scan())
  }
  await using bench = await Bench.start(dir, { nowMs: T0 + 1_000 })
  const { name } = only(bench).metadata
  t.strictSame(bench.fleet.inForce, [name])
  await bench.scores.push(scan(2), scan(3))
  await bench.beat()
  t.match(bench.store.detections.list(), [{ count: 3, phase: 'open' }])
  t.equal(bench.store.decisions.list().length, 1)
  t.equal(only(bench).metadata.name, name)
})

t.test('what expired while nobody ran is undone first and never handed to a proxy', async (t) => {
  const dir = t.testdir()
  {
    await using bench = await Bench.start(dir)
    await bench.scores.push(scan())
  }
  await using bench = await Bench.start(dir, { nowMs: T0 + 400_000 })
  t.strictSame(bench.fleet.applied.flat(), [])
  t.match(only(bench), { status: { phase: 'expired' } })
  t.equal(verifyAudit(dir).ok, true)
})

t.test('a store that refuses makes the loop degraded: nothing is done unkept, and all is done when it writes again', async (t) => {
  let full: Error | null = null
  await using bench = await Bench.start(t.testdir(), { wrap: ({ store }) => ({ store: refusing(store, () => full) }) })
  full = new AutoshieldError('UNAVAILABLE', 'No room left')
  await bench.scores.push(scan())
  t.strictSame(bench.fleet.inForce, [], 'what is not kept is not done')
  t.match(bench.controller.ready(), { ready: false, reasons: [/No room left/] })
  await bench.beat()
  t.strictSame(bench.fleet.inForce, [])
  full = null
  await bench.beat()
  t.equal(bench.fleet.inForce.length, 1)
  t.equal(bench.controller.ready().ready, true)
  t.match(bench.store.decisions.list(), [{ verdict: 'mitigate' }])
  t.match(bench.store.detections.list(), [{ phase: 'open' }])

  full = new AutoshieldError('UNAVAILABLE', 'No room left')
  const { name } = only(bench).metadata
  await t.rejects(bench.controller.revert(name, 'eva', 'x'), { code: 'UNAVAILABLE' })
  t.strictSame(bench.fleet.inForce, [name], 'an undo that could not be kept did not happen')
  await bench.beat(300_000)
  t.strictSame(bench.fleet.inForce, [], 'a restriction never outlives its time, written down or not')
  full = null
  await bench.beat()
  t.match(bench.store.mitigations.get(name), { status: { phase: 'expired' } })
})

t.test('nobody is restricted for packets that anybody could have forged', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await bench.scores.push(madeScore({ PORT_SCAN: 0.99 }))
  t.match(bench.store.decisions.list(), [{ verdict: 'alert', reason: 'ForgedSource', mitigation: null }])
  t.strictSame(bench.fleet.inForce, [])
  await bench.scores.push(scan(2))
  t.equal(bench.fleet.inForce.length, 1, 'until its own observer confirms it')
})

t.test('a rule about a class that the model does not know fires on its condition, for every key', async (t) => {
  const policy = `
rules:
  - name: Custom
    attack_class: CUSTOM_ATTACK
    condition: features.bytes_sent > 1000
    actions:
      - { action_type: alert_only, parameters: { channel: ops, priority: high } }
`
  await using bench = await Bench.start(t.testdir(), { policy })
  t.equal(bench.scores.interests.at(-1)?.everyKey, true)
  const window = (n: number, bytes: number) => madeScore({}, { stepMs: 15_000, endMs: T0 + 15_000 * n, features: { flow_count: 1, bytes_sent: bytes } })
  await bench.scores.push(window(1, 10))
  t.strictSame(bench.store.detections.list(), [])
  await bench.scores.push(window(2, 5_000), window(3, 5_000))
  await bench.beat()
  t.match(bench.store.detections.list(), [{ class: 'CUSTOM_ATTACK', phase: 'open', technique: null }])
  t.match(bench.store.decisions.list(), [{ rule: 'Custom', verdict: 'alert', reason: 'AlertOnly' }])
})

t.test('the page hears of it as it happens, and a slow one loses only its oldest events', async (t) => {
  await using bench = await Bench.start(t.testdir())
  const stop = new AbortController()
  const slow = bench.controller.subscribe(stop.signal)
  await bench.scores.push(scan())
  t.strictSame([...new Set(bench.events.map(({ type }) => type))], ['detection', 'decision', 'mitigation'])
  for (let i = 0; i < 1_100; i++) bench.fleet.answer('in-sync')
  stop.abort()
  let first: string | undefined
  for await (const { type } of slow) first ??= type
  t.equal(first, undefined, 'an aborted one ends')
})

t.test('what people undo opens the circuit, and the kill switch\'s own undo does not count', async (t) => {
  await using bench = await Bench.start(t.testdir(), { settings: { safety: { ...DEFAULT_SAFETY_FILE, breaker: { ...DEFAULT_SAFETY_FILE.breaker, regrets: 2 } } }, policy: POLICY.replace('cooldown_seconds: 60', 'cooldown_seconds: 0').replace('- action_type', '- action_type: alert_only\n      - action_type: traffic_throttle\n        parameters: { rate_limit: 1Mbps }\n      - action_type') })
  await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500, reporter: ATTACKER }))
  const names = bench.store.mitigations.list().map(({ metadata }) => metadata.name)
  t.equal(names.length, 2)
  for (const name of names) await bench.controller.revert(name, 'ada', 'a backup')
  const kept = parseSafetyState(bench.store.checkpoints.load('safety'))
  t.match(kept, { enforced: { breaker: { state: 'open' } } })
  await bench.controller.killSwitch.pull('ada', 'wrong', true)
  t.strictSame(parseSafetyState(bench.store.checkpoints.load('safety'))?.enforced.regrets, [])
})
