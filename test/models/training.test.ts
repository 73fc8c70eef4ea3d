import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { autoshield, NODE } from '../program.ts'

// A fresh machine makes the Python environment first: 5.5 GB.
t.setTimeout(1_800_000)

const ROOT = join(import.meta.dirname, '../..')
const TRAIN = join(ROOT, 'models/training/train.mjs')
const PYTHON = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'autoshield-mesh/training/venv/bin/python')

function run (t: Test, program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 26 })
  t.equal(status, 0, `${program} ${args.join(' ')}\n${stderr}`)
  return stdout
}

const manifestIn = (folder: string) => JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { sha256: string, prototypes: { sha256: string }, classes: string[], metrics: { expectedCalibrationError?: number } }

t.test('npm run train makes a model that is accepted, the same one from the same seed', async (t) => {
  const [data, ...folders] = ['data', 'one', 'two'].map((name) => join(t.testdir(), name))
  // Never trained on for what is shipped: here they only have to be few.
  run(t, NODE, [join(ROOT, 'models/training/export.ts'), '--lab', join(ROOT, 'test/fixtures/captures'), '--held-out', '--out', data ?? ''])
  for (const out of folders) run(t, NODE, [TRAIN, '--data', data ?? '', '--epochs', '3', '--folds', '2', '--augment', '0.3', '--out', out])
  const [one = '', two = ''] = folders
  t.equal(manifestIn(one).sha256, manifestIn(two).sha256)
  t.equal(manifestIn(one).prototypes.sha256, manifestIn(two).prototypes.sha256, 'its examples, too')
  t.match(readFileSync(join(one, 'report.md'), 'utf8'), /Expected calibration error, over the same rows: 0\.\d/)
  t.match(readFileSync(join(one, 'reliability.svg'), 'utf8'), /<svg/)
  const verified = await autoshield(['model', 'verify', one, '--allow-unsigned-model'])
  t.equal(verified.status, 0, verified.stderr)
  t.match(verified.stdout, /; \d+ examples of its training/)
})

for (const type of ['cnn_lstm', 'cnn', 'lstm']) {
  t.test(`ModelTrainer trains a ${type} on arrays of one's own, with a class of one's own`, async (t) => {
    run(t, NODE, [TRAIN, '--environment-only'])
    const out = join(t.testdir(), 'own')
    const { status, stdout, stderr } = spawnSync(PYTHON, ['-B', join(import.meta.dirname, 'train_arrays.py'), out, type], { encoding: 'utf8' })
    t.equal(status, 0, stderr)
    t.match(stderr, 'X_train has the shape (6000, 10, 12); it must be [rows, 20 windows, 12 features]')
    const { accuracy, expected_calibration_error: error } = JSON.parse(stdout.split('\n').find((line) => line.startsWith('{')) ?? '{}') as { accuracy: number, expected_calibration_error: number }
    t.ok(accuracy > 0.7 && error < 0.1, `${accuracy} right, calibration error ${error}`)
    t.equal(manifestIn(out).classes.at(-1), 'CUSTOM_ATTACK_1')
    const verified = await autoshield(['model', 'verify', out, '--allow-unsigned-model'])
    t.equal(verified.status, 0, verified.stderr)
    t.match(verified.stdout, /; \d+ examples of its training/)
  })
}
