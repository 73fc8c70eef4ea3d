import t from 'tap'
import { BUCKETS } from '../../src/core/drift/buckets.ts'
import { spiffeId } from '../../src/core/identity.ts'
import type { ScoredRow } from '../../src/detector/scoring-loop.ts'
import { WindowCounter } from '../../src/detector/window-counter.ts'
import { syntheticWindow } from '../core/tensor/synthetic-window.ts'
import { POD, stage } from './stage.ts'

const NOTHING = new Float32Array(0)

function row (made: Partial<Parameters<typeof syntheticWindow>[0]> & { benign?: number, simulated?: boolean, namespace?: string } = {}): ScoredRow {
  const { benign = 0.99, simulated = false, namespace = 'shop', ...window } = made
  return {
    incoming: { reporter: spiffeId({ ...POD, namespace }), lane: '', replay: simulated, simulated, windows: [], receivedAtMs: 0, resent: false, counts: 0, settled: () => undefined },
    window: syntheticWindow({ key: { kind: 'pair', source: '10.0.0.1', destination: '10.0.0.2' }, stepMs: 15_000, number: 7, features: { flow_count: 3 }, ...window }),
    probabilities: Float32Array.of(benign, 1 - benign),
    tensor: NOTHING,
    context: NOTHING,
    unproved: 0,
  }
}

t.test('quiet live pairs are counted by namespace, feature and bucket, once', (t) => {
  const counter = new WindowCounter()
  counter.add([row(), row({ namespace: 'pay' }), row({ features: { flow_count: 100 } })])
  const [shop, pay] = counter.take()
  t.match([shop, pay], [{ namespace: 'shop', windows: 2 }, { namespace: 'pay', windows: 1 }])
  t.equal(shop?.buckets.subarray(0, BUCKETS).findIndex((count) => count === 1), 2, 'three flows')
  t.equal(shop?.buckets.subarray(0, BUCKETS).reduce((sum, count) => sum + count, 0), 2)
  t.same(counter.take(), [])
  t.end()
})

t.test('nothing else is counted: no attack, so that none makes itself familiar, no replay, no other window', (t) => {
  const counter = new WindowCounter()
  counter.add([row({ benign: 0.4 }), row({ simulated: true }), row({ stepMs: 500 }), row({ key: { kind: 'fan-out', source: '10.0.0.1' } })])
  t.same(counter.take(), [])
  t.end()
})

t.test('who follows the scores is told what a model knows', async (t) => {
  const { start, source } = await stage(t)
  const running = await start()
  const known = { shares: Array.from({ length: 12 }, (_, column) => column === 8 ? [] : [0.25, 0.75]), limit: 0.25 }
  running.detector.tellModels({ sequence: 1, current: 'fake', shadow: null, refused: [], by: '', reason: '' })
  const scorer = Object.assign(Object.create(running.scorer) as typeof running.scorer, { model: { ...running.scorer.model, version: 'other', known } })
  await running.detector.promote(scorer)
  const abort = new AbortController()
  for await (const event of source(running.address).watch({ floor: 1, everyKey: false }, abort.signal)) {
    if (event.type !== 'synced') continue
    t.strictSame(event.model.known, known)
    abort.abort()
  }
})
