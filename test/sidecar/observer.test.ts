import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { newStats, type Capture } from '../../sidecar/capture/capture.ts'
import { Observer } from '../../sidecar/observer.ts'
import { PacketSource } from '../../sidecar/packet-source.ts'
import { RecordingSource } from '../../sidecar/recording-source.ts'
import { Uplink } from '../../sidecar/uplink/uplink.ts'
import type { PacketChunk } from '../../src/core/flow/packet-chunk.ts'
import { keyId, windowStartMs, type Window } from '../../src/core/window/window.ts'
import { fixedCredentials } from '../../src/wire/held-credentials.ts'
import { tcp, udp } from '../core/flow/packet-builder.ts'
import { BEGIN_MS, chunkOf, observe, type Timed } from '../core/window/observe.ts'
import { POD, POD_ADDRESS, REPLAY, Told, clock, stage, type Stage } from '../detector/stage.ts'

/** A recording of 100 s: connections of which some fail, and queries, with silences between. */
const recording: readonly Timed[] = Array.from({ length: 50 }, (_, index): Timed[] => {
  const ends = { from: `10.0.0.${1 + index % 5}:${40_000 + index}`, to: `10.0.1.${index % 7}:${80 + index % 3}` }
  const back = { from: ends.to, to: ends.from }
  const at = index * 2_000 + index % 400
  return [
    { at, packet: tcp({ ...ends, flags: 'S' }) },
    { at: at + 1, packet: tcp({ ...back, flags: index % 3 === 0 ? 'RA' : 'SA' }) },
    { at: at + 700, packet: udp({ ...ends, payload: 20 }) },
  ]
}).flat()

function captureOf (chunks: () => AsyncGenerator<PacketChunk, void, undefined>): Capture {
  return { stats: { ...newStats(), dropped: 4 }, [Symbol.asyncIterator]: chunks }
}

interface Scene {
  readonly told: Told
  readonly stats: () => unknown
  /** A replay at a speed, or of a live source. */
  readonly observer: (capture: Capture, speed?: number) => Observer
}

/** A detector whose every score is heard, and an observer for it. */
async function scene (t: Test, { start, source, credentials }: Stage, identity = REPLAY): Promise<Scene> {
  const { address, detector } = await start()
  const told = new Told(t, source(address), { floor: 0, everyKey: false })
  await told.synced()
  const replay = identity === REPLAY
  const uplink = new Uplink({
    detector: address,
    credentials: fixedCredentials(credentials(identity)),
    reporter: { identity, source: replay ? 'pcap' : 'packet', version: '0', ownAddresses: replay ? [] : [POD_ADDRESS], simulated: replay },
    bootId: randomBytes(16),
    clock,
    random: Math.random,
  })
  return {
    told,
    stats: () => detector.stats(),
    observer: (capture, speed) => new Observer({
      sources: [speed === undefined
        ? new PacketSource({ open: async () => capture, ownAddresses: [POD_ADDRESS], clock, seed: 7 })
        : new RecordingSource({ capture, speed, below: async (windows, signal) => uplink.below(windows, signal), clock, seed: 7 })],
      uplink,
      persistence: null,
    }),
  }
}

const inOrder = (windows: readonly Window[], shiftMs: number) => windows
  .map((window) => ({
    ...window,
    number: window.number + shiftMs / window.stepMs,
    firstPacketMs: window.firstPacketMs + shiftMs,
    features: Array.from(window.features, Math.fround),
  }))
  .sort((a, b) => a.stepMs - b.stepMs || a.number - b.number || keyId(a.key).localeCompare(keyId(b.key)))

for (const speed of [400, Infinity]) {
  t.test(`a replay at speed ${speed} gives the windows of the file, moved to now by whole minutes`, async (t) => {
    const { told, stats, observer } = await scene(t, await stage(t))
    const startedMs = Date.now()
    const expected = observe(recording).windows
    await observer(captureOf(async function * () {
      for (let at = 0; at < recording.length; at += 37) yield chunkOf(recording.slice(at, at + 37))
    }), speed).run(new AbortController().signal)
    await told.until(({ scores }) => scores.length >= expected.length)
    const windows = told.scores.map(({ window }) => window)
    const first = Math.min(...windows.filter(({ stepMs }) => stepMs === 500).map(windowStartMs))
    const shiftMs = first - BEGIN_MS
    t.equal(shiftMs % 60_000, 0)
    t.ok(first <= Date.now() && first > startedMs - 60_000, 'it begins within the last minute')
    t.strictSame(inOrder(windows, 0), inOrder(expected, shiftMs))
    t.match(stats(), { packets: recording.length, dropped: 4, malformed: 0, observers: 0, windows: expected.length })
  })
}

t.test('a live source\'s windows close by the clock, also when nothing more comes', async (t) => {
  const { told, stats, observer } = await scene(t, await stage(t), POD)
  const abort = new AbortController()
  const nowMs = Date.now()
  const at = nowMs - BEGIN_MS
  const run = observer(captureOf(async function * () {
    yield chunkOf([
      { at, packet: udp({ from: `${POD_ADDRESS}:5000`, to: '10.0.0.9:53', payload: 9 }) },
      { at, packet: udp({ from: '10.9.9.9:5000', to: '10.0.0.9:53' }), linkType: 101 },
    ])
    await new Promise((resolve) => { abort.signal.addEventListener('abort', resolve) })
  })).run(abort.signal)
  await told.until(({ scores }) => scores.length >= 2)
  t.same(told.scores.map(({ key }) => keyId(key)).sort(), [`${POD_ADDRESS}>*`, `${POD_ADDRESS}>10.0.0.9`])
  t.ok(told.scores.every(({ stepMs, windowNumber }) => stepMs === 500 && windowNumber === Math.floor(nowMs / 500)))
  t.match(stats(), { packets: 2 })
  abort.abort()
  await run
})

t.test('a source that cannot be read ends the observer with its own words', async (t) => {
  const { observer } = await scene(t, await stage(t))
  const broken = observer(captureOf(async function * () {
    await Promise.reject(new Error('no such file'))
    yield chunkOf([])
  }), 1)
  await t.rejects(broken.run(new AbortController().signal), { message: 'no such file' })
})

t.test('a replay can be stopped at any time', async (t) => {
  const { observer, stats } = await scene(t, await stage(t))
  const abort = new AbortController()
  const run = observer(captureOf(async function * () {
    yield chunkOf(recording)
  }), 1).run(abort.signal)
  abort.abort()
  await run
  t.match(stats(), { observers: 0 })
})
