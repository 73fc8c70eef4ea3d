import t from 'tap'
import type { Outcome } from '../../src/core/errand/advance.ts'
import type { Score } from '../../src/core/verdict/score.ts'
import { ATTACKER, madeScore, T0 } from '../core/verdict/made-score.ts'
import { Bench, POLICY } from './bench.ts'

/** A scan in the n-th half second: how sure the model is, and of how many ports. */
const scan = (n: number, sure: number, ports: number): Score => madeScore({ PORT_SCAN: sure }, { endMs: T0 + 500 * n, reporter: ATTACKER, features: { unique_ports: ports } })
const explained = ({ store }: Bench) => store.detections.list()[0]?.explanation
const PORTS = { feature: 'unique_ports', contribution: 0.9 } as const
const AGAIN: Outcome = { result: 'again', reason: 'ReceiverAway', message: 'away' }

t.test('the explanation follows a detection that grows stronger, and the detector is asked about each moment that is shown', async (t) => {
  await using bench = await Bench.start(t.testdir())
  const asked: number[] = []
  bench.scores.explaining = async ({ window }) => { asked.push(window.features[11] ?? 0) }
  await bench.scores.push(scan(1, 0.97, 30))
  await bench.until(() => explained(bench)?.path !== undefined)
  t.match(explained(bench)?.evidence[0], { ...PORTS, value: 30 })
  await bench.scores.push(scan(2, 0.9995, 900))
  await bench.until(() => explained(bench)?.evidence[0]?.value === 900)
  t.match(explained(bench), { path: [{}], evidence: [PORTS], sentence: /900 different ports/ })
  for (let n = 3; n < 60; n++) await bench.scores.push(scan(n, 0.9, 10))
  await bench.beat()
  t.match(explained(bench), { sentence: /900 different ports/ })
  t.match(bench.store.detections.list(), [{ count: 59 }])
  t.strictSame(asked, [30, 900])
})

t.test('a moment that was overtaken before the detector came to it is not asked about, and an answer that comes late changes nothing', async (t) => {
  await using bench = await Bench.start(t.testdir())
  const asked: number[] = []
  const late = Promise.withResolvers<undefined>()
  bench.scores.explaining = async ({ window }) => {
    asked.push(window.features[11] ?? 0)
    if (asked.length === 1) await late.promise
  }
  await bench.scores.push(scan(1, 0.97, 30), scan(2, 0.995, 300), scan(3, 0.9995, 900))
  late.resolve(undefined)
  await bench.until(() => explained(bench)?.path !== undefined)
  t.strictSame(asked, [30, 900])
  t.match(explained(bench)?.evidence[0], { ...PORTS, value: 900 })
})

t.test('when it closes, the trail is told of its strongest moment; a decision holds what was known when it was made', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await bench.scores.push(scan(1, 0.97, 30))
  await bench.scores.push(scan(2, 0.9995, 900))
  await bench.beat(60_000)
  await bench.until(() => bench.trail().includes('detection.closed detection DetectionClosed'))
  const [closed, ...others] = bench.audit.search({ action: 'detection.closed' })
  const [{ id } = { id: '' }] = bench.store.detections.list()
  t.match(closed, { object: `detection/${id}`, actor: 'autoshield', detail: { class: 'PORT_SCAN', count: 2, why: /900 different ports/, named: Array } })
  t.strictSame(others, [])
  t.match(bench.audit.search({ action: 'decision.mitigate' }), [{ detail: { evidence: { why: /30 different ports/ } } }])
})

t.test('of what was only suspected the trail has no end', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await bench.scores.push(scan(1, 0.9, 10))
  t.match(bench.store.detections.list(), [{ phase: 'suspected' }])
  await bench.beat(60_000)
  t.match(bench.store.detections.list(), [{ phase: 'closed' }])
  t.strictSame(bench.audit.search({ action: 'detection.closed' }), [])
})

t.test('a receiver that was away is told of the strongest moment', async (t) => {
  await using bench = await Bench.start(t.testdir(), { policy: POLICY.replace('action_type: network_policy', 'action_type: alert_only').replace('{ direction: ingress, ports: any }', '{ channel: soc }') })
  bench.carrier.answer = () => AGAIN
  await bench.scores.push(scan(1, 0.97, 30))
  await bench.until(() => bench.store.errands.list()[0]?.attempts === 1)
  bench.carrier.answer = () => ({ result: 'done', reason: 'Delivered', message: 'taken' })
  await bench.scores.push(scan(2, 0.9995, 900))
  await bench.until(() => explained(bench)?.evidence[0]?.value === 900)
  await bench.beat(5_000)
  await bench.until(() => bench.store.errands.list().every(({ state }) => state.phase === 'done'))
  const told = bench.carrier.asked.filter(({ id }) => id === bench.carrier.asked[0]?.id).map(({ task }) => task.type === 'alert' ? task.notice : null)
  t.match(told, [{ text: /30 different ports/ }, { text: /900 different ports/, rule: 'Scans' }])
  t.ok((told[1]?.detection.confidence ?? 0) > 0.999)
  const kept = bench.store.errands.list().find(({ id }) => id === bench.carrier.asked[0]?.id)
  t.match(kept, { task: { notice: { text: /900 different ports/ } } }, 'and what is kept is what was sent')
})
