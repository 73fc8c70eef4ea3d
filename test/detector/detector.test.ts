import t from 'tap'
import { spiffeId } from '../../src/core/identity.ts'
import { syntheticWindow } from '../core/tensor/synthetic-window.ts'
import { POD, POD_ADDRESS, Told, recent, stage } from './stage.ts'

const pair = { kind: 'pair', source: POD_ADDRESS, destination: '10.0.0.9' } as const

t.test('a window that an observer sends is scored, and reaches the controller whole', async (t) => {
  const { start, uplink, source } = await stage(t)
  const { address, detector } = await start()
  const told = new Told(t, source(address))
  await told.synced()
  const observer = uplink(address)
  const window = syntheticWindow({ key: pair, number: recent(4), features: { syn_count: 800 }, counters: { packets_sent: 5 }, ports: [{ port: 22, packets: 5 }], portBits: [3] })
  const sentAtMs = Date.now()
  observer.uplink.count({ packets: 7, flows: 2, malformed: 1, dropped: 3 }, 0)
  observer.uplink.push([window], new Map([[500, window.number]]))
  await told.until(({ scores }) => scores.length > 0)
  const [score] = told.scores
  t.match(score, { reporter: spiffeId(POD), key: pair, stepMs: 500, windowNumber: window.number, simulated: false })
  t.strictSame(score?.window, window)
  t.equal(score?.probabilities[3], Math.fround(0.8))
  t.equal(score?.tensor.length, 240)
  t.equal(score?.tensor[19 * 12 + 3], 800, 'the newest row of the tensor is the window')
  t.ok(score !== undefined && score.receivedAtMs >= sentAtMs && score.receivedAtMs <= Date.now())
  t.match(detector.stats(), { observers: 1, packets: 7, flows: 2, malformed: 1, dropped: 3, windows: 1, tensors: 1, keys: 1 })
})
