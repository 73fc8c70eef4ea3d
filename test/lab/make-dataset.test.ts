import t from 'tap'
import { claim } from '../../src/adapters/store/database.ts'
import { makeDataset } from './make-dataset.ts'

t.test('two at a time do not make one data set', async (t) => {
  const folder = t.testdir()
  const theirs = claim(folder, 'index')
  t.teardown(() => { theirs.close() })
  await t.rejects(makeDataset({ folder, purpose: 'training', runs: 1, hours: 1, jobs: 1, say: () => undefined, signal: AbortSignal.abort() }), { code: 'UNAVAILABLE', message: /in use by another.*--out/ })
})
