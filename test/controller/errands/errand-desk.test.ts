import t from 'tap'
import type { Outcome } from '../../../src/core/errand/advance.ts'
import { DEFAULT_SAFETY_SETTINGS } from '../../../src/core/safety/settings.ts'
import { ATTACKER, madeScore, T0 } from '../../core/verdict/made-score.ts'
import { Bench } from '../bench.ts'

const policyOf = (action: string, parameters: string): string => `
rules:
  - { id: scans, name: Scans, attack_class: PORT_SCAN, confidence_threshold: 0.9, cooldown_seconds: 1, ttl_seconds: 300, actions: [{ action_type: ${action}, parameters: { ${parameters} } }] }
`
const ALERT = policyOf('alert_only', 'channel: soc')
const MESSAGE = policyOf('custom_webhook', 'url: "https://internal-api/alert"')
const EVICTION = policyOf('pod_termination', 'grace_period_seconds: 5')
const scan = (n = 1, simulated = false) => madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 * n, reporter: ATTACKER, simulated })
const able = { wrap: () => ({ actions: { ...DEFAULT_SAFETY_SETTINGS.actions, custom_webhook: 'here', pod_termination: 'here' } as const }) }
const AGAIN: Outcome = { result: 'again', reason: 'ReceiverAway', message: 'away' }

const start = async (t: { testdir: () => string }, policy: string, options: ConstructorParameters<typeof Bench>[1] = able): Promise<Bench> => Bench.start(t.testdir(), { policy, ...options })

t.test('an errand is on the disk and in the trail before it is attempted', async (t) => {
  await using bench = await start(t, ALERT)
  let kept: unknown
  bench.carrier.answer = ({ id }) => {
    kept = { errand: bench.store.errands.get(id)?.state.phase, decision: bench.store.decisions.get(id)?.reason, trail: bench.audit.search({ action: 'decision.alert' }).length }
    return { result: 'done', reason: 'Delivered', message: 'taken' }
  }
  await bench.scores.push(scan())
  await bench.until(() => bench.store.errands.list()[0]?.state.phase === 'done')
  t.strictSame(kept, { errand: 'waiting', decision: 'AlertOnly', trail: 1 })
  t.match(bench.carrier.asked[0]?.task, { type: 'alert', channel: 'soc', notice: { detection: { class: 'PORT_SCAN' } } })
  await bench.until(() => bench.trail().includes('errand.done errand Delivered'))
})

t.test('one that fails is tried again with growing waits, and ends with its deadline; each attempt is in the trail', async (t) => {
  await using bench = await start(t, MESSAGE)
  bench.carrier.answer = () => AGAIN
  await bench.scores.push(scan())
  await bench.until(() => bench.carrier.asked.length === 1)
  await bench.until(() => bench.store.errands.list()[0]?.attempts === 1)
  await bench.beat(100)
  t.equal(bench.carrier.asked.length, 1, 'not before its time')
  await bench.beat(500)
  await bench.until(() => bench.store.errands.list()[0]?.attempts === 2)
  await bench.beat(3_600_000)
  await bench.until(() => bench.store.errands.list()[0]?.state.phase === 'failed')
  t.match(bench.store.errands.list()[0], { reason: 'NotInTime', attempts: 2 })
  await bench.until(() => bench.trail().includes('errand.failed errand NotInTime'))
  t.strictSame(bench.trail().filter((entry) => entry.startsWith('errand')), ['errand.waiting errand ReceiverAway', 'errand.waiting errand ReceiverAway', 'errand.failed errand NotInTime'])
  const [{ detail } = { detail: {} }] = bench.audit.search({ action: 'errand.failed' })
  t.match(detail, { task: 'webhook', host: 'internal-api', attempts: 2 })
})

t.test('a killed process takes up what waited, under the same id', async (t) => {
  const dir = t.testdir()
  let id = ''
  {
    await using bench = await Bench.start(dir, { policy: MESSAGE, ...able })
    const asked = Promise.withResolvers<Outcome>()
    bench.carrier.answer = () => asked.promise
    await bench.scores.push(scan())
    await bench.until(() => bench.carrier.asked.length === 1)
    id = bench.carrier.asked[0]?.id ?? ''
    setImmediate(() => asked.resolve(AGAIN)) // broken off: what came of it is not known
  }
  await using bench = await Bench.start(dir, { policy: MESSAGE, ...able })
  await bench.beat()
  await bench.until(() => bench.store.errands.list()[0]?.state.phase === 'done')
  t.strictSame(bench.carrier.asked.map((errand) => errand.id), [id])
  t.equal(bench.store.errands.list().length, 1)
})

t.test('nothing is sent or evicted for a replay, without actuation, or where it is not allowed', async (t) => {
  const rows: [string, string, ConstructorParameters<typeof Bench>[1], boolean, string, string][] = [
    ['alert on a replay', ALERT, able, true, 'alert', 'AlertOnly'],
    ['message on a replay', MESSAGE, able, true, 'simulate', 'SimulatedEvidence'],
    ['message without actuation', MESSAGE, { ...able, settings: { actuationEnabled: false } }, false, 'simulate', 'ActuationDisabled'],
    ['message that nothing signs', MESSAGE, {}, false, 'simulate', 'NotConfigured'],
    ['eviction without a cluster', EVICTION, {}, false, 'simulate', 'ActionNeedsCluster'],
    ['eviction that is not allowed', EVICTION, { wrap: () => ({ actions: { ...DEFAULT_SAFETY_SETTINGS.actions, pod_termination: 'not-allowed' } }) }, false, 'simulate', 'ActionNotAllowed'],
  ]
  for (const [index, [name, policy, options, simulated, verdict, reason]] of rows.entries()) {
    await using bench = await Bench.start(`${t.testdir()}/${index}`, { policy, ...options })
    await bench.scores.push(scan(1, simulated))
    await bench.beat()
    t.match(bench.store.decisions.list(), [{ verdict, reason }], name)
    t.strictSame([bench.store.errands.list(), bench.carrier.asked], [[], []], name)
  }
})

t.test('the kill switch cancels what waits but alerts, and a person may cancel one', async (t) => {
  await using bench = await start(t, EVICTION)
  bench.carrier.answer = () => AGAIN
  await bench.scores.push(scan())
  await bench.until(() => bench.store.errands.list()[0]?.attempts === 1)
  await bench.controller.killSwitch.pull('ada', 'wrong', false)
  await bench.beat()
  await bench.until(() => bench.store.errands.list()[0]?.state.phase === 'cancelled')
  t.match(bench.store.errands.list()[0], { reason: 'Halted', message: /ada: wrong/ })

  await using other = await Bench.start(`${t.testdir()}/alert`, { policy: ALERT })
  other.carrier.answer = () => AGAIN
  await other.controller.killSwitch.pull('ada', 'wrong', false)
  await other.scores.push(scan())
  await other.until(() => other.store.errands.list()[0]?.attempts === 1)
  await other.beat()
  const [errand] = other.store.errands.list()
  t.equal(errand?.state.phase, 'waiting', 'people go on to be told')
  t.match(await other.controller.errands.cancel(errand?.id ?? '', 'ada', 'harmless'), { state: { phase: 'cancelled' }, reason: 'Cancelled' })
  t.match(other.audit.search({ action: 'errand.cancelled' }), [{ actor: 'ada' }])
  await t.rejects(other.controller.errands.cancel(errand?.id ?? '', 'ada', 'again'), { code: 'CONFLICT' })
  await t.rejects(other.controller.errands.cancel('nobody', 'ada', 'x'), { code: 'NOT_FOUND' })
})

t.test('an eviction that could not be made tells the circuit breaker, a message that was not taken does not', async (t) => {
  for (const [policy, failures] of [[EVICTION, 1], [MESSAGE, 0]] as const) {
    await using bench = await Bench.start(`${t.testdir()}/${failures}`, { policy, ...able })
    bench.carrier.answer = () => ({ result: 'refused', reason: 'ReceiverRefused', message: 'no' })
    await bench.scores.push(scan())
    await bench.until(() => bench.store.errands.list()[0]?.state.phase === 'failed')
    const counted = (): number => (bench.store.checkpoints.load('safety') as { enforced: { failures: unknown[] } }).enforced.failures.length
    if (failures > 0) await bench.until(() => counted() === failures)
    await bench.beat()
    t.equal(counted(), failures)
  }
})

t.test('the outbox has a bound for each kind of errand, and what has no room is said', async (t) => {
  await using bench = await start(t, ALERT)
  bench.carrier.answer = () => AGAIN
  await bench.scores.push(scan())
  await bench.until(() => bench.store.errands.list().length === 1)
  const [first] = bench.store.errands.list()
  if (first === undefined) return t.fail('there is none')
  const many = Array.from({ length: 1_000 }, (_, index) => ({ ...first, id: `e-${index}` }))
  bench.controller.errands.begin(bench.controller.errands.admit(many.slice(0, 999)))
  t.strictSame(bench.controller.errands.admit(many.slice(999)).map(({ state, reason }) => [state.phase, reason]), [['failed', 'OutboxFull']])
})
