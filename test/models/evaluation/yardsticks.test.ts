import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { judgeRun } from '../../../models/evaluation/judge-run.ts'
import { loadYardstick, yardsticksIn } from '../../../models/evaluation/yardstick-scorer.ts'
import { laboratoryRuns } from '../../../models/training/run-source.ts'

const ROOT = join(import.meta.dirname, '../../..')
const COMMITTED = join(ROOT, 'models/evaluation/yardsticks')

/** A committed file in which `from` became `to`. */
async function changed (t: Test, name: string, from: RegExp, to: string): Promise<string> {
  const text = gunzipSync(await readFile(join(COMMITTED, name))).toString('utf8')
  t.match(text, from)
  const path = join(t.testdir(), name)
  await writeFile(path, gzipSync(text.replace(from, to)))
  return path
}

t.test('boosted trees and logistic regression find attacks in runs that they were not fitted to', async (t) => {
  const runs = await laboratoryRuns(join(ROOT, 'test/fixtures/captures'))
  const yardsticks = await yardsticksIn(COMMITTED)
  t.same(yardsticks.map(({ model }) => model.version), ['boosted trees', 'logistic regression'])
  for (const scorer of yardsticks) {
    const { classes, thresholds, version } = scorer.model
    let [found, attacks, alarmed, benign] = [0, 0, 0, 0]
    for (const run of runs) {
      for (const { label, peak } of (await judgeRun(scorer, [], run)).peaks) {
        const said = classes.some((_, index) => index > 0 && (label === 0 || index === label) && (peak[index] ?? 0) >= (thresholds[index] ?? 1))
        if (label > 0) [attacks, found] = [attacks + 1, found + Number(said)]
        else [benign, alarmed] = [benign + 1, alarmed + Number(said)]
      }
    }
    t.comment(`${version}: ${found} of ${attacks} attacks, ${alarmed} of ${benign} benign keys`)
    t.ok(found >= attacks / 3, `${version} found ${found} of ${attacks}`)
    t.ok(alarmed <= benign / 20, `${version} alarmed ${alarmed} of ${benign} benign keys`)
  }
})

t.test('without a folder nobody stands beside the model', async (t) => {
  t.same(await yardsticksIn(join(t.testdir(), 'none')), [])
})

t.test('a file that computes something else, or could lead nowhere, is refused with its place', async (t) => {
  await t.rejects(loadYardstick(await changed(t, 'boosted-trees.json.gz', /"base":\[[^,]+,/, '"base":[9,')), { code: 'BAD_DATA', message: /boosted-trees\.json\.gz: golden\[\d\] \w+ is / })
  await t.rejects(loadYardstick(await changed(t, 'boosted-trees.json.gz', /"right":\[\d+,/, '"right":[0,')), { code: 'BAD_DATA', message: /the first unsound node of tree 0 of round 0 is 0, expected -1/ })
  await t.rejects(loadYardstick(await changed(t, 'logistic-regression.json.gz', /"bias":\[[^,]+,/, '"bias":[')), { code: 'BAD_DATA', message: /the shape of linear/ })
  const path = join(t.testdir(), 'broken.json.gz')
  await writeFile(path, 'no gzip')
  await t.rejects(loadYardstick(path), { code: 'BAD_DATA', message: /cannot be read as compressed JSON; restore it/ })
})
