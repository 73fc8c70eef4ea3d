import t from 'tap'
import { PodContext } from '../../../src/controller/admissions/context.ts'
import { madeScore, T0, ATTACKER } from '../../core/verdict/made-score.ts'
import { marked } from '../../webhook/shipping/made-entry.ts'
import { Bench } from '../bench.ts'

t.test('a detection shows what happened to its pods at admission, in the store and on the page', async (t) => {
  const context = new PodContext()
  await using bench = await Bench.start(t.testdir(), { wrap: () => ({ admission: context }) })
  const { source } = await detect(bench, 1)
  t.match(source?.name, /./)
  t.equal(bench.store.detections.list()[0]?.admission, undefined, 'nothing is known')
  const namespace = source?.namespace ?? ''
  context.remember(marked('r1', new Date(T0 - 40_000).toISOString(), { resource: '/v1/namespaces', namespace, name: namespace, user: 'eve' }))
  await detect(bench, 2)
  t.match(bench.store.detections.list()[0]?.admission?.[0], { end: 'source', actor: 'eve', severity: 'high' })
  t.ok(bench.events.some((event) => event.type === 'detection' && event.detection.admission?.[0]?.actor === 'eve'))
})

async function detect (bench: Bench, step: number) {
  await bench.scores.push(madeScore({ PORT_SCAN: 0.97 }, { endMs: T0 + 500 * step, reporter: ATTACKER }))
  await bench.beat()
  const [detection] = bench.store.detections.list()
  if (detection === undefined) throw new Error('nothing was detected')
  return detection
}
