import { join } from 'node:path'
import t from 'tap'
import { loadModel } from '../../src/adapters/onnx/load-model.ts'
import { CLASSES } from '../../src/core/classes.ts'
import { EVIDENCE_KINDS } from '../../src/core/evidence/table.ts'
import type { Scorer } from '../../src/ports/scorer.ts'
import { judgeRun } from '../../models/evaluation/judge-run.ts'
import { laboratoryRuns, type Run } from '../../models/training/run-source.ts'

const ROOT = join(import.meta.dirname, '../..')
const runs = await laboratoryRuns(join(ROOT, 'test/fixtures/captures'))

/** Of each run: the classes that each attack and each benign key was called, where one window at its threshold is enough. */
async function judgeAll (scorer: Scorer): Promise<{ run: Run, called: { truth: string, said: string[] }[] }[]> {
  const { classes, thresholds } = scorer.model
  const all = []
  for (const run of runs) {
    const { peaks } = await judgeRun(scorer, EVIDENCE_KINDS, run)
    all.push({ run, called: peaks.map(({ label, peak }) => ({ truth: classes[label] ?? '', said: classes.filter((_, index) => index > 0 && (peak[index] ?? 0) >= (thresholds[index] ?? 1)) })) })
  }
  return all
}

t.test('the shipped model finds attacks of every class in runs that it was not trained on', async (t) => {
  await using scorer = await loadModel(join(ROOT, 'models'))
  const found = new Set<string>()
  let [alarmed, benign] = [0, 0]
  for (const { run, called } of await judgeAll(scorer)) {
    t.ok(run.labels.holdout, `${run.labels.run} is marked as held out`)
    for (const { truth, said } of called) {
      if (truth !== 'BENIGN') t.comment(`${run.labels.run}: ${truth} was called ${said.join(' ') || 'nothing'}`)
      if (truth === 'BENIGN') {
        benign++
        if (said.length > 0) alarmed++
      } else if (said.includes(truth)) found.add(truth)
    }
  }
  t.same([...found].sort(), CLASSES.slice(1).sort())
  t.ok(alarmed <= benign / 50, `${alarmed} of ${benign} benign keys were alarmed`)
})

t.test('with shuffled weights the same graph finds nothing: what is found is learned', async (t) => {
  await using shuffled = await loadModel(join(ROOT, 'test/fixtures/models/shuffled'))
  for (const { run, called } of await judgeAll(shuffled)) for (const { truth, said } of called) t.same(said, [], `${run.labels.run}: ${truth}`)
})
