import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { claim } from '../../src/adapters/store/database.ts'
import { makeDataset } from './make-dataset.ts'

t.test('two at a time do not make one data set', async (t) => {
  const folder = t.testdir()
  const theirs = claim(folder, 'index')
  t.teardown(() => { theirs.close() })
  await t.rejects(makeDataset({ folder, purpose: 'training', runs: 1, hours: 1, jobs: 1, say: () => undefined, signal: AbortSignal.abort() }), { code: 'UNAVAILABLE', message: /in use by another.*--out/ })
})

t.test('a wrong option is named before anything is made', (t) => {
  const folder = t.testdir()
  for (const [wrong, says] of [[['--runs', 'many'], /^lab: --runs "many" is no number/], [['--jobs', 'NaN'], /^lab: --jobs "NaN" is no number/], [['--for', 'fun'], /^lab: --for "fun" .* one of training, attacks, quiet/]] as const) {
    const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), 'make-dataset', '--out', folder, '--hours', '1', '--runs', '1', ...wrong], { encoding: 'utf8' })
    t.equal(status, 64)
    t.match(stderr, says)
  }
  t.end()
})
