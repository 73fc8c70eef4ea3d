import t from 'tap'
import { Traffic } from '../../src/detector/traffic.ts'
import { syntheticWindow } from '../core/tensor/synthetic-window.ts'

const pair = (destination: string, packets: number, number = 100, stepMs: 500 | 15_000 = 15_000) => syntheticWindow({
  key: { kind: 'pair', source: '10.0.0.1', destination },
  stepMs,
  number,
  features: { flow_count: 2, bytes_sent: 30, bytes_received: 12 },
  counters: { packets_sent: packets, packets_received: 1 },
})

t.test('the picture is that of the newest 15 s window, one edge a pair', async (t) => {
  const traffic = new Traffic()
  t.equal(traffic.picture(), null)
  traffic.add([pair('10.0.0.2', 4), pair('10.0.0.3', 5), pair('10.0.0.2', 9, 100, 500)], 0)
  traffic.add([syntheticWindow({ key: { kind: 'fan-out', source: '10.0.0.1' }, stepMs: 15_000, number: 100 })], 0)
  t.strictSame(traffic.picture(), {
    atMs: 1_500_000,
    edges: [
      { source: '10.0.0.1', destination: '10.0.0.2', packets: 5, bytes: 42, flows: 2 },
      { source: '10.0.0.1', destination: '10.0.0.3', packets: 6, bytes: 42, flows: 2 },
    ],
  })
  traffic.add([pair('10.0.0.4', 1, 101)], 1)
  t.same(traffic.picture()?.edges.map(({ destination }) => destination), ['10.0.0.4'], 'a newer window starts anew')
  traffic.add([pair('10.0.0.5', 1, 100)], 2)
  t.equal(traffic.picture()?.edges.length, 1, 'an older one comes too late')
})

t.test('where both ends report a pair, it is one edge with the fuller account', async (t) => {
  const traffic = new Traffic()
  traffic.add([pair('10.0.0.2', 4)], 0)
  traffic.add([pair('10.0.0.2', 7)], 0)
  traffic.add([pair('10.0.0.2', 6)], 0)
  t.same(traffic.picture()?.edges.map(({ packets }) => packets), [8])
})

t.test('a recording that lies in the past is shown when nothing newer comes any more', async (t) => {
  const traffic = new Traffic()
  traffic.add([pair('10.0.0.2', 4, 900)], 0)
  traffic.add([pair('10.0.0.3', 4, 100)], 29_000)
  t.equal(traffic.picture()?.atMs, 13_500_000)
  traffic.add([pair('10.0.0.3', 4, 100)], 31_000)
  t.equal(traffic.picture()?.atMs, 1_500_000)
})

t.test('edges beyond the bound are counted, not kept', async (t) => {
  const traffic = new Traffic()
  traffic.add(Array.from({ length: 5_000 }, (_, index) => pair(`10.1.${index >> 8}.${index & 255}`, 1)), 0)
  t.equal(traffic.picture()?.edges.length, 4_096)
  t.equal(traffic.dropped, 904)
})
