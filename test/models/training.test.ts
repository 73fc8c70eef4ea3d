import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { autoshield, NODE } from '../program.ts'

// A fresh machine makes the Python environment first: 5.5 GB.
t.setTimeout(1_800_000)

const ROOT = join(import.meta.dirname, '../..')
const CAPTURES = join(ROOT, 'test/fixtures/captures')
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
  run(t, NODE, [join(ROOT, 'models/training/export.ts'), '--lab', CAPTURES, '--held-out', '--out', data ?? ''])
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

t.test('a class of one\'s own goes from the labels of a capture to a detection and a rule that fires', async (t) => {
  const folder = t.testdir()
  const [own, data, out, models, found] = ['own', 'data', 'model', 'models', 'found.jsonl'].map((name) => join(folder, name)) as [string, string, string, string, string]
  // Somebody's own captures: real ones, labelled with what a person has to write and no more.
  mkdirSync(own)
  for (const name of ['syn-flood-9003', 'syn-flood-9005', 'benign-9001', 'benign-9010']) {
    copyFileSync(join(CAPTURES, `${name}.pcap.zst`), join(own, `${name}.pcap.zst`))
    writeFileSync(join(own, `${name}.labels.json`), ownLabels(name))
  }
  const exported = [join(ROOT, 'models/training/export.ts'), '--lab', own, '--out', data]
  const refused = spawnSync(NODE, exported, { encoding: 'utf8' })
  t.not(refused.status, 0)
  t.match(refused.stderr, 'the labels of syn-flood-9003 have an attack of class CUSTOM_ATTACK_BURST, which is none of LATERAL_MOVEMENT', 'a slip is no class')
  t.match(refused.stderr, '--class CUSTOM_ATTACK_BURST')
  const nameless = spawnSync(NODE, [...exported, '--class', 'CUSTOM_ATTACK_BURST=T1498.001'], { encoding: 'utf8' })
  t.not(nameless.status, 0)
  t.match(nameless.stderr, '--class "CUSTOM_ATTACK_BURST=T1071.001 Web Protocols"', 'a technique needs its name')
  run(t, NODE, [...exported, '--class', 'CUSTOM_ATTACK_BURST=T1498.001 Direct Network Flood'])
  const trained = run(t, NODE, [TRAIN, '--data', data, '--epochs', '3', '--folds', '2', '--out', out, '--version', 'own-1'])
  t.match(trained, 'no row is of LATERAL_MOVEMENT, PORT_SCAN, SYN_FLOOD, BRUTE_FORCE, DATA_EXFILTRATION')
  t.match(manifestIn(out), { classes: ['BENIGN', 'CUSTOM_ATTACK_BURST'], techniques: { CUSTOM_ATTACK_BURST: { id: 'T1498.001', name: 'Direct Network Flood' } } })

  t.match(await autoshield(['model', 'install', out, '--models', models, '--allow-unsigned-model']), { status: 0, stdout: /own-1: installed/ })
  t.match(await autoshield(['model', 'list', '--models', models]), { status: 0, stdout: /own-1 +- +CUSTOM_ATTACK_BURST/ })
  const installed = join(models, 'own-1')
  const capture = join(own, 'syn-flood-9005.pcap.zst')
  const detected = await autoshield(['detect', capture, '--model', installed, '--allow-unsigned-model', '-o', 'json'])
  t.equal(detected.status, 79, detected.stderr)
  t.match(detected.stdout, /"class":"CUSTOM_ATTACK_BURST"/)
  t.match(detected.stdout, /"technique":\{"id":"T1498.001","name":"Direct Network Flood","url":"https:\/\/attack.mitre.org\/techniques\/T1498\/001\/"\}/)
  t.match(detected.stdout, /this is how Direct Network Flood \(ATT&CK T1498.001\) looks/)
  writeFileSync(found, detected.stdout)

  const policy = join(folder, 'mine.yaml')
  writeFileSync(policy, 'rules:\n  - name: Bursts\n    attack_class: CUSTOM_ATTACK_BURST\n    confidence_threshold: 0.5\n    actions:\n      - action_type: alert_only\n')
  t.match(await autoshield(['policy', 'validate', policy]), { status: 65, stdout: /mine\.yaml:3.*CUSTOM_ATTACK_BURST, which the model does not know/ })
  t.match(await autoshield(['policy', 'validate', policy, '--model', installed]), { status: 0, stdout: /good, 1 rules/ })
  t.match(await autoshield(['policy', 'test', policy, '--model', installed, '--detections', found]), { status: 0, stdout: /CUSTOM_ATTACK_BURST .* bursts +alert alert_only/ })
})

function ownLabels (name: string): string {
  const { attacks } = JSON.parse(readFileSync(join(CAPTURES, `${name}.labels.json`), 'utf8')) as { attacks: { firstPacketMs: number, lastPacketMs: number, legs: { source: string, destination: string }[] }[] }
  return JSON.stringify({
    run: name,
    attacks: attacks.map(({ firstPacketMs, lastPacketMs, legs }) => ({ class: 'CUSTOM_ATTACK_BURST', firstPacketMs, lastPacketMs, legs: legs.map(({ source, destination }) => ({ source, destination })) })),
  })
}

t.test('time is counted, budgets are kept and folders are united as their users rely on', async (t) => {
  run(t, NODE, [TRAIN, '--environment-only'])
  t.equal(run(t, PYTHON, ['-B', join(import.meta.dirname, 'parts_of_training.py')]).trim(), 'ok')
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
