import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { laboratoryRuns } from '../../models/training/run-source.ts'
import { readRecording, RECORDING_SUFFIX } from '../../models/training/window-recording.ts'
import { readIndex } from '../lab/dataset-index.ts'
import { scheduleRuns } from '../lab/schedule.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const MOST_BYTES = 40e6

/** What was made so far, by whoever had an idle machine. */
const SETS = ['models/training/runs', 'models/evaluation/runs/attacks']

for (const folder of SETS) {
  t.test(`each run of ${folder} is of its plan, with its windows and its labels`, async (t) => {
    const index = readIndex(join(ROOT, folder))
    if (index === null) throw new Error(`${folder} has no index`)
    const planned = new Map(scheduleRuns(index.runs, index.hours, index.purpose).map((run) => [run.name, run]))
    const runs = await laboratoryRuns(join(ROOT, folder))
    t.same(runs.map(({ labels }) => labels.run), index.entries.map(({ run }) => run), 'files and index name the same runs')
    for (const { run, holdout, bytes, attacks } of index.entries) {
      t.equal(holdout, planned.get(run)?.holdout, `${run} is ${holdout ? 'held out' : 'for training'}, as planned`)
      t.equal(statSync(join(ROOT, folder, `${run}${RECORDING_SUFFIX}`)).size, bytes, run)
      t.equal(runs.find(({ labels }) => labels.run === run)?.labels.attacks.length, attacks.length, run)
    }
    const [first] = index.entries
    if (first !== undefined) t.ok((await readRecording(join(ROOT, folder, `${first.run}${RECORDING_SUFFIX}`), 0)).length > 0, 'its windows can be read')
  })
}

t.test('what is committed of them stays small', (t) => {
  const bytes = SETS.flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => statSync(join(ROOT, folder, name)).size)).reduce((sum, size) => sum + size, 0)
  t.ok(bytes < MOST_BYTES, `${bytes} bytes`)
  t.end()
})
