import t from 'tap'
import { spiffeId } from '../../src/core/identity.ts'
import type { StepMs, Window } from '../../src/core/window/window.ts'
import { syntheticWindow } from '../core/tensor/synthetic-window.ts'
import { RawObserver } from './raw-observer.ts'
import { FakeScorer, POD, POD_ADDRESS, REPLAY, Told, connected, disconnected, recent, stage } from './stage.ts'

const attack = { syn_count: 900 }
const pair = (port: number) => ({ kind: 'pair', source: POD_ADDRESS, destination: `10.0.1.${port}` }) as const
const clock = (number: number) => new Map<StepMs, number>([[500, number]])
const numbersOf = (told: Told) => told.scores.map(({ windowNumber }) => windowNumber)

/** Scores when it is let to. */
class GatedScorer extends FakeScorer {
  #gate = Promise.withResolvers<undefined>()

  open (): void {
    this.#gate.resolve(undefined)
  }

  override async score (count: number, tensors: Float32Array): Promise<Float32Array> {
    await this.#gate.promise
    return super.score(count, tensors)
  }
}

t.test('batches that were accepted before are acknowledged again and change nothing', async (t) => {
  const { start, credentials } = await stage(t)
  const { address, detector } = await start()
  const first = new RawObserver(t, address, credentials(POD))
  first.hello()
  t.match(await first.welcome(), { resend: true, ack: { sequence: 0n } })
  const now = recent(0)
  const window = (ago: number): Window => syntheticWindow({ key: pair(1), number: now - ago })
  first.batch(5, [window(5)])
  first.batch(6, [window(4)])
  await first.acknowledged(6)
  const before = first.answers.length
  first.batch(5, [window(3)])
  await first.answered(before + 1)
  t.match(first.answers.at(-1), { message: { case: 'ack', value: { sequence: 6n } } }, 'it is told again how far the detector is')
  first.batch(7, [window(2)])
  await first.acknowledged(7)
  t.match(detector.stats(), { windows: 3, tensors: 3 })
  const second = new RawObserver(t, address, credentials(POD))
  second.hello()
  t.match(await second.welcome(), { resend: false, ack: { sequence: 7n } }, 'a stream of the same boot goes on where the first was')
  t.match(await first.ended, /^ABORTED: a newer stream of the same boot took over/)
  second.batch(8, [window(1)])
  await second.acknowledged(8)
  second.end()
  t.equal(await second.ended, 'OK: OK')
  t.match(detector.stats(), { windows: 4, tensors: 4, observers: 0 })
})

t.test('whoever follows the scores gets those from the floor up, and every key each 15 s where it asks', async (t) => {
  const { start, uplink, source } = await stage(t)
  const { address } = await start()
  const high = new Told(t, source(address), { floor: 0.5, everyKey: false })
  const all = new Told(t, source(address), { floor: 0.5, everyKey: true })
  await Promise.all([high.synced(), all.synced()])
  t.match(high.events[0], { type: 'synced', model: { version: 'fake', thresholds: [0.9, 0.9, 0.9, 0.9, 0.9, 0.9], usual: { 'pair/500': new Array(12).fill(0) } } })
  const observer = uplink(address)
  const long = Math.floor(Date.now() / 15_000) - 2
  observer.uplink.push([
    syntheticWindow({ key: pair(1), number: recent(5), features: { syn_count: 499 } }),
    syntheticWindow({ key: pair(2), number: recent(5), features: { syn_count: 501 } }),
    syntheticWindow({ key: pair(3), number: long, stepMs: 15_000, features: { flow_count: 2, bytes_sent: 10 }, counters: { packets_sent: 3 } }),
    syntheticWindow({ key: pair(4), number: recent(5), features: { syn_count: 900 } }),
  ], clock(recent(5)))
  await all.until(({ scores }) => scores.length === 3)
  await high.until(({ scores }) => scores.length === 2)
  t.same(high.scores.map(({ key }) => key), [pair(2), pair(4)])
  t.same(all.scores.map(({ key }) => key), [pair(2), pair(3), pair(4)])
  await high.until(({ events }) => events.some(({ type }) => type === 'traffic'))
  t.match(high.events.find(({ type }) => type === 'traffic'), {
    atMs: long * 15_000, edges: [{ source: POD_ADDRESS, destination: '10.0.1.3', packets: 3, bytes: 10, flows: 2 }], stats: { observers: 1, windows: 4, tensors: 4, keys: 4 },
  })
})

t.test('whom the detector refuses is told to those who follow the scores, and counted for them before there is any traffic', async (t) => {
  const { start, credentials, source } = await stage(t)
  const { address } = await start()
  const told = new Told(t, source(address))
  await told.synced()
  for (let at = 0; at < 2; at++) {
    const liar = new RawObserver(t, address, credentials(POD))
    liar.hello({ identity: `spiffe://${POD.trustDomain}/ns/shop/pod/pod-2` })
    await liar.ended
  }
  await told.until(({ events }) => events.some((event) => event.type === 'refusals') && events.some((event) => event.type === 'stats' && event.stats.refused['NotYours'] === 2))
  t.match(told.events.flatMap((event) => event.type === 'refusals' ? event.refusals : []), [{ reason: 'NotYours', identity: spiffeId(POD), peer: '127.0.0.1', details: /hello says .*pod-2/ }], 'once')
  t.notOk(told.events.some(({ type }) => type === 'traffic'))
})

t.test('a replay may speak of every address and is always simulated', async (t) => {
  const { start, uplink, source } = await stage(t)
  const { address } = await start()
  const told = new Told(t, source(address))
  await told.synced()
  const observer = uplink(address, { reporter: { identity: REPLAY, source: 'pcap', version: '0', ownAddresses: [], simulated: false } })
  const key = { kind: 'pair', source: '192.168.7.1', destination: '2001:db8::1' } as const
  observer.uplink.push([syntheticWindow({ key, number: 5, features: attack })], clock(5))
  await told.until(({ scores }) => scores.length === 1)
  t.match(told.scores[0], { key, simulated: true, reporter: spiffeId(REPLAY), windowNumber: 5 })
  await observer.stop()
  const again = uplink(address, { reporter: { identity: REPLAY, source: 'pcap', version: '0', ownAddresses: [], simulated: true } })
  again.uplink.push([syntheticWindow({ key, number: 5, features: attack })], clock(5))
  await told.until(({ scores }) => scores.length === 2)
  t.pass('and the same recording can be played twice')
})

t.test('a detector that died loses nothing: its successor gets the last 20 steps and what was not acknowledged', async (t) => {
  const { start, uplink, source } = await stage(t)
  const before = await start()
  const told = new Told(t, source(before.address))
  await told.synced()
  const observer = uplink(before.address)
  const base = recent(30)
  for (let step = 0; step < 25; step++) observer.uplink.push([syntheticWindow({ key: pair(1), number: base + step, features: { syn_count: 600 + step } })], clock(base + step))
  await told.until(({ scores }) => scores.length === 25)
  await observer.uplink.below(1, new AbortController().signal)
  await before.stop()
  await observer.event(disconnected)
  observer.uplink.push([syntheticWindow({ key: pair(1), number: base + 25, features: { syn_count: 999 } })], clock(base + 25))
  const after = await start({ listen: before.address, limits: { holdMs: 60_000 } })
  await told.until(({ scores }) => scores.length === 26)
  const last = told.scores[25]
  t.equal(last?.windowNumber, base + 25)
  const syns = Array.from({ length: 20 }, (_, row) => last?.tensor[row * 12 + 3])
  t.same(syns, [...Array.from({ length: 19 }, (_, index) => 606 + index), 999], 'the tensor is what it would have been')
  t.match(after.detector.stats(), { tensors: 1 }, 'what was scored before is not scored again')
  t.same(numbersOf(told), Array.from({ length: 26 }, (_, index) => base + index), 'each window was scored once')
})

t.test('what a dying detector had not acknowledged is scored by the next', async (t) => {
  const { start, uplink, source } = await stage(t)
  const scorer = new GatedScorer()
  const before = await start({ scorer })
  const observer = uplink(before.address)
  observer.uplink.push([syntheticWindow({ key: pair(1), number: recent(9), features: attack })], clock(recent(9)))
  await observer.event(connected)
  const stopped = before.stop()
  await observer.event(disconnected)
  scorer.open()
  await stopped
  const after = await start({ listen: before.address })
  const told = new Told(t, source(after.address))
  await told.synced()
  await observer.uplink.below(1, new AbortController().signal)
  t.equal(after.detector.stats().tensors, 1)
})

t.test('an observer sends no more than its credits, drops its oldest windows beyond its bound, and counts them', async (t) => {
  const { start, uplink } = await stage(t)
  const scorer = new GatedScorer()
  const { address, detector } = await start({ scorer, limits: { credits: 2, maxBatchWindows: 3 } })
  const observer = uplink(address, { maxWindows: 10 })
  await observer.event(connected)
  const base = recent(100)
  for (let step = 0; step < 30; step++) observer.uplink.push([syntheticWindow({ key: pair(1), number: base + step })], clock(base + step))
  t.equal(observer.uplink.dropped, 18, '2 are under way, 10 wait')
  scorer.open()
  await observer.uplink.below(1, new AbortController().signal)
  t.equal(detector.stats().windows, 12)
  t.equal(detector.stats().tensors, 12)
  await observer.stop()
  t.equal(detector.stats().dropped, 18, 'the detector knows of the loss')
})

t.test('streams are not read while too many windows wait, and none is lost', async (t) => {
  const { start, uplink } = await stage(t)
  const scorer = new GatedScorer()
  const { address, detector } = await start({ scorer, limits: { maxQueuedWindows: 10, maxBatchWindows: 50 } })
  const observer = uplink(address)
  await observer.event(connected)
  const base = recent(500)
  for (let step = 0; step < 300; step++) observer.uplink.push([syntheticWindow({ key: pair(step % 200), number: base + step })], clock(base + step))
  scorer.open()
  await observer.uplink.below(1, new AbortController().signal)
  t.equal(detector.stats().tensors, 300)
})

t.test('a quiet observer keeps its stream, and says how far it has got', async (t) => {
  const { start, uplink } = await stage(t)
  const { promise, resolve } = Promise.withResolvers<undefined>()
  let looks = 0
  // The detector looks at the clock for each message.
  const { address, detector } = await start({
    limits: { silenceMs: 200 },
    clock: {
      now: () => {
        if (++looks > 8) resolve(undefined)
        return Date.now()
      },
    },
  })
  const observer = uplink(address)
  await promise
  t.same(observer.events, [{ type: 'connected' }])
  t.equal(detector.stats().observers, 1)
})

t.test('a scorer that fails costs its windows, which are counted, and nothing else', async (t) => {
  const { start, uplink, source } = await stage(t)
  const failures: string[] = []
  const scorer = new FakeScorer()
  const { address, detector } = await start({ scorer, onFailure: ({ message }) => failures.push(message) })
  const told = new Told(t, source(address))
  await told.synced()
  const observer = uplink(address)
  scorer.fail = true
  observer.uplink.push([syntheticWindow({ key: pair(1), number: recent(5), features: attack })], clock(recent(5)))
  await observer.uplink.below(1, new AbortController().signal)
  t.same(failures, ['the model is broken'])
  t.match(detector.stats(), { dropped: 1, tensors: 0 })
  scorer.fail = false
  observer.uplink.push([syntheticWindow({ key: pair(1), number: recent(4), features: attack })], clock(recent(4)))
  await told.until(({ scores }) => scores.length === 1)
})

t.test('an observer does what the detector comes to want', async (t) => {
  const { start, uplink } = await stage(t)
  const { address, detector, scorer } = await start()
  const observer = uplink(address)
  await observer.event(connected)
  const long = Math.floor(Date.now() / 15_000) - 2
  const windows = (ago: number) => [
    ...Array.from({ length: 20 }, (_, index) => syntheticWindow({ key: pair(index), number: recent(ago) })),
    syntheticWindow({ key: pair(1), number: long - ago, stepMs: 15_000 }),
  ]
  observer.uplink.push(windows(9), clock(recent(9)))
  await observer.uplink.below(1, new AbortController().signal)
  t.equal(detector.stats().windows, 21)
  detector.configure({ stepsMs: [15_000] })
  const { promise, resolve } = Promise.withResolvers<undefined>()
  setImmediate(() => resolve(undefined))
  await promise
  for (let ago = 8; detector.stats().windows === 21 && ago > 0; ago--) {
    observer.uplink.push(windows(ago).slice(20), clock(recent(ago)))
    await observer.uplink.below(1, new AbortController().signal)
  }
  const before = detector.stats().windows
  observer.uplink.push(windows(0), clock(recent(0)))
  await observer.uplink.below(1, new AbortController().signal)
  t.equal(detector.stats().windows, before + 1, 'of 21 windows the one of 15 s was sent')
  t.equal(scorer.calls.at(-1), 1)
})

t.test('while nobody follows the scores nothing is scored or acknowledged, and whoever comes misses nothing', async (t) => {
  const { start, uplink, source } = await stage(t)
  const { address, detector } = await start({ limits: { holdMs: 60_000 } })
  const observer = uplink(address)
  await observer.event(connected)
  for (let ago = 9; ago > 4; ago--) observer.uplink.push([syntheticWindow({ key: pair(1), number: recent(ago), features: attack })], clock(recent(ago)))
  const told = new Told(t, source(address))
  await told.until(({ scores }) => scores.length === 5)
  t.equal(detector.stats().tensors, 5)
})

t.test('a stop gets across what is left', async (t) => {
  const { start, uplink } = await stage(t)
  const { address, detector } = await start()
  const observer = uplink(address)
  const base = recent(3_000)
  observer.uplink.count({ packets: 11, flows: 0, malformed: 0, dropped: 0 }, 4)
  observer.uplink.push(Array.from({ length: 2_000 }, (_, step) => syntheticWindow({ key: pair(step % 200), number: base + step })), clock(base + 2_000))
  await observer.stop()
  t.match(detector.stats(), { windows: 2_000, tensors: 2_000, packets: 11, observers: 0 })
})

t.test('rounds grow with the load, and one window does not wait for others', async (t) => {
  const { start, uplink } = await stage(t)
  const { address, scorer } = await start()
  const observer = uplink(address)
  observer.uplink.push([syntheticWindow({ key: pair(1), number: recent(9) })], clock(recent(9)))
  await observer.uplink.below(1, new AbortController().signal)
  t.same(scorer.calls, [1])
  observer.uplink.push(Array.from({ length: 100 }, (_, index) => syntheticWindow({ key: pair(index), number: recent(8) })), clock(recent(8)))
  await observer.uplink.below(1, new AbortController().signal)
  t.same(scorer.calls, [1, 32, 32, 32, 4])
})
