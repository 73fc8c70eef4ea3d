import { once } from 'node:events'
import t, { type Test } from 'tap'
import { newStats } from '../../sidecar/capture/capture.ts'
import { PacketSource, type OpenedCapture } from '../../sidecar/packet-source.ts'
import type { PacketChunk } from '../../src/core/flow/packet-chunk.ts'
import { keyId, type Window } from '../../src/core/window/window.ts'
import { udp } from '../core/flow/packet-builder.ts'
import { BEGIN_MS, chunkOf } from '../core/window/observe.ts'
import { TestClock } from '../certs/samples.ts'

const POD_ADDRESS = '10.0.0.1'

t.setTimeout(10_000)

interface Scene {
  readonly clock: TestClock
  readonly source: PacketSource
  readonly windows: Window[]
  /** Resolves when as many windows have been given. */
  readonly given: (count: number) => Promise<void>
  readonly run: (signal: AbortSignal) => Promise<void>
}

function scene (open: (signal: AbortSignal) => OpenedCapture): Scene {
  const clock = new TestClock(BEGIN_MS)
  const source = new PacketSource({ open: async (signal) => open(signal), ownAddresses: [POD_ADDRESS], clock, seed: 7 })
  const windows: Window[] = []
  let taken = Promise.withResolvers<undefined>()
  const take = (more: readonly Window[]): void => {
    windows.push(...more)
    taken.resolve(undefined)
    taken = Promise.withResolvers()
  }
  const given = async (count: number): Promise<void> => { while (windows.length < count) await taken.promise }
  return { clock, source, windows, given, run: async (signal) => source.run(signal, { watching: () => undefined, take }) }
}

const packetAt = (at: number): PacketChunk => chunkOf([{ at, packet: udp({ from: `${POD_ADDRESS}:5000`, to: '10.0.0.9:53', payload: 9 }) }])

const captureOf = (chunks: () => AsyncGenerator<PacketChunk, void, undefined>, more: Partial<OpenedCapture> = {}): OpenedCapture => ({ stats: newStats(), [Symbol.asyncIterator]: chunks, ...more })

const untilAborted = async (signal: AbortSignal): Promise<void> => { if (!signal.aborted) await once(signal, 'abort') }

function ending (t: Test): AbortController {
  const controller = new AbortController()
  t.teardown(() => controller.abort())
  return controller
}

t.test('windows close by the clock while no packet comes', async (t) => {
  const abort = ending(t)
  const { clock, windows, given, source, run } = scene((signal) => captureOf(async function * () {
    yield packetAt(0)
    await untilAborted(signal)
  }))
  const running = run(abort.signal)
  while (source.stats.windows.packets < 1) await new Promise(setImmediate)
  t.equal(windows.length, 0)
  clock.nowMs = BEGIN_MS + 2_000
  await given(2)
  t.ok(windows.every(({ stepMs }) => stepMs === 500))
  abort.abort()
  await running
})

t.test('a capture that ends ends the run, at once', async (t) => {
  const { run, source } = scene(() => captureOf(async function * () { yield packetAt(0) }))
  await run(ending(t).signal)
  t.equal(source.stats.windows.packets, 1)
})

t.test('a capture that fails ends the run with its words, and so does who takes the windows, who ends the capture', async (t) => {
  const broken = scene(() => captureOf(async function * () {
    yield packetAt(0)
    throw new Error('the interface is gone')
  }))
  await t.rejects(broken.run(ending(t).signal), { message: 'the interface is gone' })

  const ended = Promise.withResolvers<undefined>()
  const { source } = scene((signal) => captureOf(async function * () {
    await untilAborted(signal)
    ended.resolve(undefined)
    yield chunkOf([])
  }))
  await t.rejects(source.run(ending(t).signal, { watching: () => undefined, take: () => { throw new Error('no room') } }), { message: 'no room' })
  await ended.promise
})

t.test('what was open is given when the run is told to end', async (t) => {
  const abort = ending(t)
  const { windows, run } = scene((signal) => captureOf(async function * () {
    yield packetAt(0)
    abort.abort()
    await untilAborted(signal)
  }))
  await run(abort.signal)
  t.ok(windows.length > 0)
})

t.test('a capture that is outdated is ended, and the next one goes on with the same windows', async (t) => {
  const abort = ending(t)
  const outdated = new AbortController()
  let opened = 0
  const { clock, windows, given, source, run } = scene((signal) => {
    opened++
    return captureOf(async function * () {
      yield packetAt(opened * 10)
      if (opened === 1) outdated.abort()
      await untilAborted(signal)
    }, { outdated: opened === 1 ? outdated.signal : new AbortController().signal })
  })
  const running = run(abort.signal)
  while (source.stats.windows.packets < 2) await new Promise(setImmediate)
  t.equal(opened, 2)
  clock.nowMs = BEGIN_MS + 2_000
  await given(2)
  t.equal(new Set(windows.map(({ key, number }) => `${keyId(key)} ${number}`)).size, windows.length, 'a window is not given for each capture')
  abort.abort()
  await running
  t.equal(opened, 2)
})
