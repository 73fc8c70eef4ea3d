import { join } from 'node:path'
import t from 'tap'
import { loadModel } from '../../src/adapters/onnx/load-model.ts'
import { CLASSES } from '../../src/core/classes.ts'
import type { Scorer } from '../../src/ports/scorer.ts'
import { judge, type Judged } from '../../models/training/judge.ts'
import { laboratoryRuns, type Run } from '../../models/training/run-source.ts'

const ROOT = join(import.meta.dirname, '../..')
const runs = await laboratoryRuns(join(ROOT, 'test/fixtures/captures'))

async function judgeAll (scorer: Scorer): Promise<{ run: Run, judged: Judged }[]> {
  const all: { run: Run, judged: Judged }[] = []
  for (const run of runs) all.push({ run, judged: await judge(scorer, run) })
  return all
}

t.test('the shipped model finds attacks of every class in runs that it was not trained on', async (t) => {
  await using scorer = await loadModel(join(ROOT, 'models'))
  const found = new Set<string>()
  let [alarmed, benign] = [0, 0]
  for (const { run, judged } of await judgeAll(scorer)) {
    t.ok(run.labels.holdout, `${run.labels.run} is marked as held out`)
    for (const [index, { class: name, tool }] of run.labels.attacks.entries()) {
      const said = judged.attacks.get(index) ?? new Set()
      t.comment(`${run.labels.run}: ${name} by ${tool} was called ${[...said].join(' ') || 'nothing'}`)
      if (said.has(name)) found.add(name)
    }
    for (const [key, names] of judged.alarmed) t.comment(`${run.labels.run}: ${key} is benign and was called ${[...names].join(' ')}`)
    alarmed += judged.alarmed.size
    benign += judged.benignKeys.size
  }
  t.same([...found].sort(), CLASSES.slice(1).sort())
  t.ok(alarmed <= benign / 50, `${alarmed} of ${benign} benign keys were alarmed`)
})

t.test('with shuffled weights the same graph finds nothing: what is found is learned', async (t) => {
  await using shuffled = await loadModel(join(ROOT, 'test/fixtures/models/shuffled'))
  for (const { run, judged } of await judgeAll(shuffled)) {
    for (const said of judged.attacks.values()) t.equal(said.size, 0, run.labels.run)
    t.equal(judged.alarmed.size, 0, run.labels.run)
  }
})
