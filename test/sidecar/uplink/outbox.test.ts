import t from 'tap'
import { Outbox } from '../../../sidecar/uplink/outbox.ts'
import { STEPS_MS, type StepMs, type Window } from '../../../src/core/window/window.ts'
import { syntheticWindow } from '../../core/tensor/synthetic-window.ts'

const steps = new Set<number>(STEPS_MS)
const window = (number: number, stepMs: StepMs = 500): Window => syntheticWindow({ number, stepMs })
const clock = (number: number) => new Map<StepMs, number>([[500, number]])
const numbers = (windows: readonly Window[]) => windows.map(({ number }) => number)

t.test('batches are numbered from 1 by 1, and stay until they are acknowledged', async (t) => {
  const outbox = new Outbox(100)
  outbox.add([window(1), window(2), window(3)], clock(3))
  t.match(outbox.take(2, steps), { sequence: 1, resent: false })
  t.match(outbox.take(2, steps), { sequence: 2 })
  t.same(outbox.unacknowledged.map(({ windows }) => numbers(windows)), [[1, 2], [3]])
  t.equal(outbox.size, 3)
  outbox.acknowledge(1)
  t.same(outbox.unacknowledged.map(({ sequence }) => sequence), [2])
  outbox.acknowledge(2)
  t.equal(outbox.size, 0)
})

t.test('what there is no room for is dropped, oldest first, counted, and leaves no gap in the numbers', async (t) => {
  const outbox = new Outbox(3)
  outbox.add([1, 2, 3, 4, 5].map((number) => window(number)), clock(5))
  t.equal(outbox.dropped, 2)
  const batch = outbox.take(10, steps)
  t.same(numbers(batch.windows), [3, 4, 5])
  t.match(batch, { sequence: 1, droppedWindows: 2 })
})

t.test('a step that is not wanted is not sent', async (t) => {
  const outbox = new Outbox(10)
  outbox.add([window(1), window(1, 15_000), window(2)], clock(2))
  t.same(outbox.take(10, new Set([15_000])).windows.map(({ stepMs }) => stepMs), [15_000])
  t.equal(outbox.waiting, 0)
})

t.test('counts go with the next batch: totals as they are, forged packets once', async (t) => {
  const outbox = new Outbox(10)
  outbox.count({ packets: 5, flows: 1, malformed: 0, dropped: 0 }, 2)
  outbox.count({ packets: 9, flows: 2, malformed: 1, dropped: 0 }, 3)
  t.match(outbox.take(1, steps), { forgedSent: 5, counts: { packets: 9, flows: 2, malformed: 1, dropped: 0 } })
  t.match(outbox.take(1, steps), { forgedSent: 0, counts: { packets: 9 } })
})

t.test('a detector that knows nothing gets the last 20 steps as resent, then what was not acknowledged, under new numbers', async (t) => {
  const outbox = new Outbox(100)
  for (let number = 1; number <= 30; number++) {
    outbox.add([window(number)], clock(number))
    outbox.take(10, steps)
  }
  outbox.acknowledge(28)
  outbox.startAnew(8)
  t.same(outbox.unacknowledged.map(({ sequence, resent, windows }) => ({ sequence, resent, windows: numbers(windows) })), [
    { sequence: 31, resent: true, windows: [11, 12, 13, 14, 15, 16, 17, 18] },
    { sequence: 32, resent: true, windows: [19, 20, 21, 22, 23, 24, 25, 26] },
    { sequence: 33, resent: true, windows: [27, 28] },
    { sequence: 34, resent: false, windows: [29] },
    { sequence: 35, resent: false, windows: [30] },
  ])
  outbox.acknowledge(33)
  outbox.startAnew(100)
  t.same(outbox.unacknowledged.map(({ resent, windows }) => [resent, windows.length]), [[true, 18], [false, 1], [false, 1]], 'a resend that broke off begins again, and nothing is there twice')
})

t.test('the last 20 steps of each length are kept, no more', async (t) => {
  const outbox = new Outbox(1_000)
  for (let number = 1; number <= 300; number++) {
    outbox.add(number % 30 === 0 ? [window(number), window(number / 30, 15_000)] : [window(number)], new Map<StepMs, number>([[500, number], [15_000, Math.floor(number / 30)]]))
    outbox.acknowledge(outbox.take(10, steps).sequence)
  }
  outbox.startAnew(1_000)
  const [resent] = outbox.unacknowledged
  t.equal(resent?.windows.filter(({ stepMs }) => stepMs === 500).length, 20)
  t.equal(resent?.windows.filter(({ stepMs }) => stepMs === 15_000).length, 10)
})

t.test('counts of restrictions go with one batch each, stay until they are acknowledged, and are bounded', async (t) => {
  const outbox = new Outbox(10)
  const count = (atMs: number) => ({ source: '10.0.0.9', destination: '10.0.0.1', port: null, unit: 'connections' as const, atMs, attempts: 1, denied: 1, limited: 0, passed: 0, shadowed: 0 })
  outbox.restricted(Array.from({ length: 4_100 }, (_, at) => count(at)))
  t.equal(outbox.droppedRestrictions, 4)
  const first = outbox.take(10, steps)
  t.same([first.restrictions.length, first.restrictions[0]?.atMs], [256, 4])
  outbox.startAnew(10)
  t.match(outbox.unacknowledged, [{ sequence: 2, restrictions: first.restrictions }], 'a detector that knows nothing of them is told again')
  t.equal(outbox.take(10, steps).restrictions[0]?.atMs, 260)
})

t.test('a detector that asks is told of silence as soon as it is known, and once', async (t) => {
  const outbox = new Outbox(10)
  outbox.add([], clock(7))
  t.equal(outbox.pending, false, 'silence alone is worth no batch')
  outbox.tellBy(4_500)
  t.equal(outbox.pending, false, 'the window that ends then is still open')
  outbox.add([], clock(8))
  t.equal(outbox.pending, true)
  t.match(outbox.take(10, steps), { windows: [], clocks: clock(8) })
  t.equal(outbox.pending, false)
})
