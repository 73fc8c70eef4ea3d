import t from 'tap'
import { T0 } from '../core/verdict/made-score.ts'
import { Bench } from './bench.ts'

const SPEC = { source: 'ops/StatefulSet/bastion', knownFor: 'use', port: 22, until: new Date(T0 + 3_600_000).toISOString(), reason: 'it logs in everywhere' }

t.test('what a person said is kept over a restart, in the trail once, and ends by itself', async (t) => {
  const dir = t.testdir()
  {
    await using bench = await Bench.start(dir)
    t.match(await bench.controller.baselines.teach(SPEC, 'console:ann'), { known: true, expires: SPEC.until })
    await t.rejects(bench.controller.baselines.teach({ ...SPEC, port: undefined }, 'console:ann'), { code: 'BAD_DATA' })
    t.match(bench.audit.search({ action: 'baseline.taught' }), [{ actor: 'console:ann', reason: 'BaselineTaught', detail: { port: 22, before: null } }])
  }
  await using bench = await Bench.start(dir)
  t.match(bench.controller.baselines.list('ops/StatefulSet/bastion'), [{ taught: { by: 'console:ann', reason: 'it logs in everywhere' } }])
  bench.nowMs = T0 + 3_600_001
  t.strictSame(bench.controller.baselines.list(null), [])
  await t.rejects(bench.controller.baselines.forget({ of: 'ops/StatefulSet/bastion', port: null }, 'console:ann', 'over'), { code: 'NOT_FOUND' })
})

t.test('room for what people say is bounded, and what ended makes room', async (t) => {
  await using bench = await Bench.start(t.testdir())
  const { baselines } = bench.controller
  for (let port = 1; port <= 200; port++) await baselines.teach({ ...SPEC, port }, 'ann')
  await t.rejects(baselines.teach({ ...SPEC, port: 201 }, 'ann'), { code: 'CONFLICT', message: /200 baselines already/ })
  await baselines.teach({ ...SPEC, port: 200 }, 'ann')
  t.equal((await baselines.forget({ of: 'ops/StatefulSet/bastion', port: 7 }, 'ann', 'moved')).length, 1)
  await baselines.teach({ ...SPEC, port: 201 }, 'ann')
  bench.nowMs = T0 + 3_600_001
  await baselines.teach({ ...SPEC, port: 202, until: new Date(T0 + 7_200_000).toISOString() }, 'ann')
  t.equal(baselines.list(null).length, 1)
})
