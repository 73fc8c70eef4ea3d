import t from 'tap'
import { FEATURES } from '../../src/core/window/window.ts'
import { spiffeId } from '../../src/core/identity.ts'
import type { Score } from '../../src/core/verdict/score.ts'
import { syntheticWindow } from '../core/tensor/synthetic-window.ts'
import { connected, FakeScorer, POD, POD_ADDRESS, Told, recent, stage } from './stage.ts'

const key = { kind: 'pair', source: POD_ADDRESS, destination: '10.0.0.9' } as const

t.test('an explanation names the feature that made the score', async (t) => {
  const { start, uplink, source } = await stage(t)
  const { address } = await start()
  const scores = source(address)
  const told = new Told(t, scores)
  await told.synced()
  const observer = uplink(address)
  observer.uplink.push([syntheticWindow({ key, number: recent(4), features: { syn_count: 800, flow_count: 3 } })], new Map())
  await told.until(({ scores }) => scores.length === 1)
  const [score] = told.scores
  if (score === undefined) throw new Error('no score')
  const usual = FEATURES.map((name) => name === 'syn_count' ? 100 : 0)
  const { evidence, path, counterfactual, nearest } = await scores.explain(score, 'SYN_FLOOD', usual)
  t.equal(evidence.length, FEATURES.length)
  t.match(evidence[0], { feature: 'syn_count', value: 800 })
  t.ok(Math.abs((evidence[0]?.contribution ?? 0) - 0.7) < 1e-6, 'the probability falls by what the feature was above its usual value')
  t.match(path, [{ feature: 'syn_count' }])
  t.match(counterfactual, { changes: [{ feature: 'syn_count', seen: 800 }] })
  t.equal(nearest, null, 'this model has no examples')
  await t.rejects(scores.explain(score, 'NO_SUCH', usual), { code: 'BAD_DATA', message: /"NO_SUCH" is none of the model's classes BENIGN, / })
  await t.rejects(scores.explain(score, 'SYN_FLOOD', [1]), { code: 'BAD_DATA', message: /usual has 1 values where the 12 features/ })
  const short: Score = { ...score, tensor: new Float32Array(3) }
  await t.rejects(scores.explain(short, 'SYN_FLOOD', usual), { code: 'BAD_DATA', message: /column tensors has 3 entries/ })
})

t.test('a controller can ask whose observers are connected', async (t) => {
  const { start, uplink, source } = await stage(t)
  const { address } = await start()
  const scores = source(address)
  t.same(await scores.reporters(), new Set())
  const observer = uplink(address)
  await observer.event(connected)
  t.same(await scores.reporters(), new Set([spiffeId(POD)]))
  await t.rejects(source(address, POD).reporters(), { code: 'UNTRUSTED', message: /may not follow the scores/ })
})

t.test('a detector that was away is asked again as soon as it is back', async (t) => {
  const { start, source } = await stage(t)
  const { address, stop } = await start()
  const scores = source(address)
  await scores.reporters()
  await stop()
  for (let tries = 0; tries < 3; tries++) await t.rejects(scores.reporters(), { code: 'UNAVAILABLE' })
  await start({ listen: address })
  t.same(await scores.reporters(), new Set())
})

t.test('a scorer that fails is told to whoever asked', async (t) => {
  const { start, source } = await stage(t)
  const scorer = new FakeScorer()
  scorer.fail = true
  const { address } = await start({ scorer })
  const window = syntheticWindow({ key, number: recent(4) })
  const score: Score = { reporter: 'r', key, stepMs: 500, windowNumber: window.number, unproved: 0, probabilities: new Float32Array(6), tensor: new Float32Array(240), context: new Float32Array(scorer.model.contextColumns.length), window, receivedAtMs: 0, simulated: false }
  await t.rejects(source(address).explain(score, 'SYN_FLOOD', new Array<number>(12).fill(0)), { code: 'INTERNAL', message: /INTERNAL: the model could not score/ })
})

t.test('whoever follows the scores comes back by itself, and is told of the model anew', async (t) => {
  const { start, source } = await stage(t)
  const first = await start()
  const told = new Told(t, source(first.address))
  await told.synced()
  await first.stop()
  await start({ listen: first.address })
  await told.until(({ events }) => events.length === 2)
  t.same(told.events.map(({ type }) => type), ['synced', 'synced'])
})

t.test('a detector that is away is waited for until the signal aborts', async (t) => {
  const { source } = await stage(t)
  const told = new Told(t, source('127.0.0.1:1'))
  await told.stop()
  t.same(told.events, [])
})

t.test('a watcher that does not read loses its oldest events, and is told how many', async (t) => {
  const { start, uplink, source } = await stage(t)
  const { address, detector } = await start({ limits: { maxQueuedEvents: 4 } })
  const slow = source(address)
  const abort = new AbortController()
  const events = slow.watch({ floor: 0, everyKey: false }, abort.signal)[Symbol.asyncIterator]()
  await events.next()
  const observer = uplink(address)
  const base = recent(20_000)
  let step = 0
  for (; detector.stats().dropped < 10 && step < 10_000; step += 100) {
    observer.uplink.push(Array.from({ length: 100 }, (_, index) => syntheticWindow({ key, number: base + step + index })), new Map())
    await observer.uplink.below(1, abort.signal)
  }
  t.ok(detector.stats().dropped >= 10, 'the detector holds no more than its bound')
  const numbers: number[] = []
  while (numbers.at(-1) !== base + step - 1) {
    const { value } = await events.next()
    if (value?.type === 'scores') numbers.push(...value.scores.map(({ windowNumber }) => windowNumber))
  }
  t.ok(numbers.length < step, 'what was lost does not come')
  t.equal(slow.lost, detector.stats().dropped, 'and the watcher knows how much that was')
  abort.abort()
  await events.return()
})
