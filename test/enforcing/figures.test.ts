import t from 'tap'
import { enforceFiguresOf } from '../bench/enforce.ts'
import { withoutCluster } from '../real/cluster/test-cluster.ts'

t.setTimeout(600_000)

/** `npm run bench -- --only enforce` takes thirty. */
const ROUNDS = 3

t.test('what a detection cuts is cut by real packets and open again after an undo, each time; the figures are told', { skip: withoutCluster('enforcing') }, async (t) => {
  const figures = await enforceFiguresOf(t, ROUNDS)
  for (const { name, value, unit, beside } of figures) t.comment(`${name} ${Math.round(value)} ${unit}, beside ${Math.round(beside.value)} by ${beside.name}, of ${ROUNDS} rounds`)
  t.strictSame(figures.map(({ name }) => name), ['enforce.detection_to_cut_p50_ms', 'enforce.detection_to_cut_p99_ms', 'enforce.undo_p99_ms'])
})
