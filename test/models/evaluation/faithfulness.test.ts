import { join } from 'node:path'
import t from 'tap'
import { loadModel } from '../../../src/adapters/onnx/load-model.ts'
import { explanationsText, ratioOf } from '../../../models/evaluation/explanations.ts'
import { faithfulnessOf, subsetsOf, type Explained, type Faithfulness } from '../../../models/evaluation/faithfulness.ts'
import { judgeRun } from '../../../models/evaluation/judge-run.ts'
import { normalFrom } from '../../../models/evaluation/normal.ts'
import { laboratoryRuns } from '../../../models/training/run-source.ts'

const ROOT = join(import.meta.dirname, '../../..')

t.test('what the shipped model\'s explanations name makes the score, five times as much as random parts, and stays under noise', async (t) => {
  await using scorer = await loadModel(join(ROOT, 'models'))
  const explained: Explained[] = []
  const runs = (await laboratoryRuns(join(ROOT, 'test/fixtures/captures'))).filter(({ labels }) => /^(port-scan-9005|data-exfiltration-9001|brute-force-9011)$/.test(labels.run))
  for (const run of runs) await judgeRun(scorer, [], run, (one) => explained.push(one))
  const all: Faithfulness[] = []
  const gaussian = normalFrom(7)
  for (const one of explained) all.push(await faithfulnessOf(scorer, one, gaussian))
  t.ok(all.length >= 3, `${all.length} detections`)
  t.ok(ratioOf(all) > 5, `${ratioOf(all)} times random`)
  t.ok(all.every(({ fall, mostFall }) => fall > 0.3 && fall >= 0.8 * mostFall), JSON.stringify(all))
  t.ok(all.every(({ overlap }) => overlap > 0.8), JSON.stringify(all))
  t.match(explanationsText(all), /\| \*\*all\*\* \| \d+ \|/)
})

t.test('as many random parts are all sets of as many', (t) => {
  t.same(subsetsOf(['a', 'b', 'c'], 2), [['a', 'b'], ['a', 'c'], ['b', 'c']])
  t.same(subsetsOf(['a'], 0), [[]])
  t.end()
})
