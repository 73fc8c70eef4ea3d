import t from 'tap'
import { BUCKETS, HISTOGRAMS } from '../../src/core/drift/buckets.ts'
import { FEATURES } from '../../src/core/window/window.ts'
import { ATTACKER, madeScore, T0, VICTIM } from '../core/verdict/made-score.ts'
import { Bench } from './bench.ts'
import { MODEL_INFO } from './fakes.ts'

const model = { ...MODEL_INFO, known: { shares: FEATURES.map(() => [0, 1]), limit: 0.3 } }
const inBucket = (bucket: number) => ({ namespace: 'shop', windows: 1_000, buckets: Array.from({ length: HISTOGRAMS }, (_, at) => at % BUCKETS === bucket ? 1_000 : 0) })
const scan = (n: number, reporter: string) => madeScore({ PORT_SCAN: 0.99 }, { endMs: T0 + 500 * n, reporter, run: 3 })

t.test('what is detected where the model does not know the traffic says so, keeps its confidence, and waits for a person', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await bench.scores.tell({ type: 'synced', model })
  await bench.scores.tell({ type: 'counts', counts: [inBucket(6)] })
  t.match(bench.controller.drift.list(), [{ namespace: 'shop', standing: 'unfamiliar', unknown: 1 }])
  t.ok(bench.metrics.counted.includes('drift shop'))
  t.match(bench.logged.join('\n'), /unlike what the model was trained on/)
  await bench.scores.push(scan(1, ATTACKER))
  t.match(bench.store.detections.list(), [{ phase: 'open', unfamiliar: { namespace: 'shop', unknown: 1, limit: 0.3 } }])
  t.ok((bench.store.detections.list()[0]?.confidence ?? 0) > 0.98)
  t.match(bench.store.decisions.list(), [{ verdict: 'hold', reason: 'Unfamiliar' }])
})

t.test('where it knows the traffic, nothing waits', async (t) => {
  await using bench = await Bench.start(t.testdir())
  await bench.scores.tell({ type: 'synced', model })
  await bench.scores.tell({ type: 'counts', counts: [inBucket(1)] })
  await bench.scores.push(scan(1, ATTACKER))
  t.notOk(bench.store.detections.list()[0]?.unfamiliar)
  t.match(bench.store.decisions.list(), [{ verdict: 'mitigate' }])
})

t.test('what was counted is known after a restart; another model judges it anew', async (t) => {
  const dir = t.testdir()
  {
    await using bench = await Bench.start(dir)
    await bench.scores.tell({ type: 'synced', model })
    await bench.scores.tell({ type: 'counts', counts: [inBucket(6)] })
  }
  await using bench = await Bench.start(dir)
  await bench.scores.tell({ type: 'synced', model })
  t.match(bench.controller.drift.list(), [{ windows: 1_000, standing: 'unfamiliar' }])
  await bench.scores.tell({ type: 'synced', model: { ...model, version: 'm2', known: { ...model.known, shares: FEATURES.map(() => [0, 0, 0, 0, 0, 0, 1]) } } })
  t.match(bench.controller.drift.list(), [{ standing: 'familiar', unknown: 0 }])
  await bench.scores.tell({ type: 'synced', model: { ...model, version: 'm3', known: null } })
  t.same(bench.controller.drift.list(), [], 'a model that does not say what it knows')
  await bench.scores.push(scan(1, VICTIM))
  t.notOk(bench.store.detections.list()[0]?.unfamiliar)
})
