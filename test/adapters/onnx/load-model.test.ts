import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadModel } from '../../../src/adapters/onnx/load-model.ts'
import type { ModelManifest } from '../../../src/adapters/onnx/manifest.ts'
import { CLASSES } from '../../../src/core/classes.ts'
import { CONTEXT_COLUMNS } from '../../../src/core/tensor/context.ts'
import { TENSOR_SIZE } from '../../../src/core/tensor/tensor-table.ts'

const SHIPPED = join(import.meta.dirname, '../../../models')
const graph = await readFile(join(SHIPPED, 'model.onnx'))
const manifest = JSON.parse(await readFile(join(SHIPPED, 'manifest.json'), 'utf8')) as ModelManifest

/** A copy of the shipped model with something of it changed. A changed graph has its hash and size corrected, unless the test keeps the old. */
async function modelWith (t: Test, change: { manifest?: Record<string, unknown>, graph?: Buffer, keepHash?: boolean, text?: string }): Promise<string> {
  const bytes = change.graph ?? graph
  const hash = change.keepHash === true ? {} : { sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length }
  const folder = t.testdir()
  await writeFile(join(folder, 'model.onnx'), bytes)
  await writeFile(join(folder, 'manifest.json'), change.text ?? JSON.stringify({ ...manifest, ...hash, ...change.manifest }))
  return folder
}

t.test('the shipped model loads, is small, and knows the six classes', async (t) => {
  await using scorer = await loadModel(SHIPPED)
  t.same(scorer.model.classes, CLASSES)
  t.same(scorer.model.contextColumns, CONTEXT_COLUMNS)
  t.equal(scorer.model.thresholds[0], 1, 'BENIGN is never a detection')
  t.ok(scorer.model.thresholds.slice(1).every((threshold) => threshold >= 0.5 && threshold < 1))
  t.ok(graph.length < 2_000_000)
  await using same = await loadModel(join(SHIPPED, 'model.onnx'))
  t.equal(same.model.version, scorer.model.version, 'MODEL_PATH may name the file, too')
})

t.test('a batch of any size gives each row what it gets alone', async (t) => {
  await using scorer = await loadModel(SHIPPED)
  const count = 71 // two full runs and a rest
  const tensors = Float32Array.from({ length: count * TENSOR_SIZE }, (_, index) => index % 7 === 0 ? index % 1013 : 0)
  const contexts = Float32Array.from({ length: count * CONTEXT_COLUMNS.length }, (_, index) => index % 11)
  const all = await scorer.score(count, tensors, contexts)
  t.equal(all.length, count * CLASSES.length)
  for (const row of [0, 31, 32, 63, 64, 70]) {
    const alone = await scorer.score(1, tensors.subarray(row * TENSOR_SIZE, (row + 1) * TENSOR_SIZE), contexts.subarray(row * CONTEXT_COLUMNS.length, (row + 1) * CONTEXT_COLUMNS.length))
    const sum = alone.reduce((total, value) => total + value, 0)
    t.ok(Math.abs(sum - 1) < 1e-5, 'probabilities sum to 1')
    t.ok(alone.every((value, index) => Math.abs(value - (all[row * CLASSES.length + index] ?? NaN)) < 1e-5), `row ${row}`)
  }
  t.equal((await scorer.score(0, new Float32Array(0), new Float32Array(0))).length, 0)
  await t.rejects(scorer.score(2, tensors.subarray(0, TENSOR_SIZE), contexts), { code: 'INTERNAL' })
})

t.test('values beyond anything seen in training still give probabilities', async (t) => {
  await using scorer = await loadModel(SHIPPED)
  for (const value of [0, 1e30, 3.4e38, -5]) {
    const given = await scorer.score(1, new Float32Array(TENSOR_SIZE).fill(value), new Float32Array(CONTEXT_COLUMNS.length).fill(value))
    t.ok(given.every((probability) => probability >= 0 && probability <= 1), `${value}: ${given.join(' ')}`)
  }
})

t.test('one changed byte is refused, wherever it is', async (t) => {
  for (const at of [0, 1000, Math.floor(graph.length / 2), graph.length - 1]) {
    const changed = Buffer.from(graph)
    changed[at] = (changed[at] ?? 0) ^ 1
    await t.rejects(loadModel(await modelWith(t, { graph: changed, keepHash: true })), { code: 'UNTRUSTED', message: /model\.onnx is not the file .* expected sha256 [0-9a-f]{64} .* found [0-9a-f]{64}/ })
  }
  await t.rejects(loadModel(await modelWith(t, { graph: graph.subarray(0, -1), keepHash: true })), { code: 'UNTRUSTED' })
})

t.test('a model that computes something else is refused although its hash is right', async (t) => {
  const changed = Buffer.from(graph)
  // The weights are most of the file: a stretch in its middle is weights and nothing else.
  for (let at = Math.floor(graph.length / 2); at < Math.floor(graph.length / 2) + 4000; at += 4) changed.writeFloatLE(0.5, at)
  await t.rejects(loadModel(await modelWith(t, { graph: changed })), { code: 'UNTRUSTED', message: /golden\[\d\] [A-Z_]+ is .*, expected/ })
  const golden = manifest.golden.map((vector) => ({ ...vector, probabilities: vector.probabilities.map((_, index) => index === 0 ? 1 : 0) }))
  await t.rejects(loadModel(await modelWith(t, { manifest: { golden } })), { code: 'UNTRUSTED', message: /golden/ })
})

t.test('a model of other features, columns or classes is refused', async (t) => {
  const wrong: Record<string, Record<string, unknown>> = {
    'featureSchema is "autoshield.dev/features/v0"': { featureSchema: 'autoshield.dev/features/v0' },
    'features is': { features: [...manifest.features].reverse() },
    'contextColumns is': { contextColumns: manifest.contextColumns.slice(1) },
    'windows is 10': { windows: 10 },
    'the number of thresholds is 5': { thresholds: manifest.thresholds.slice(1) },
    'the length of usual\\["pair/500"\\] is 1': { usual: { 'pair/500': [1] } },
    '/thresholds/0 must be <= 1': { thresholds: manifest.thresholds.map(() => 2) },
    'the first of classes is "PORT_SCAN"': { classes: ['PORT_SCAN', ...manifest.classes.slice(1)] },
    'classes without repetition is': { classes: manifest.classes.map((name, index) => index === 0 ? name : 'SAME') },
    '/classes/1 must match': { classes: manifest.classes.map((name, index) => index === 1 ? '<b>' : name) },
    '/file must match': { file: '../../etc/passwd' },
    '/sha256 must match': { sha256: 'x' },
    '/surprise is no field of it': { surprise: true },
    '/techniques/MINE/id must match': { techniques: { MINE: { id: 'T12', name: 'Mine' } } },
    '/techniques/MINE/name must match': { techniques: { MINE: { id: 'T1234', name: '' } } },
  }
  for (const [message, change] of Object.entries(wrong)) {
    await t.rejects(loadModel(await modelWith(t, { manifest: change })), { code: 'BAD_DATA', message: new RegExp(`manifest\\.json.*${message}.*restore`) }, message)
  }
  await t.rejects(loadModel(await modelWith(t, { manifest: { techniques: { MINE: { id: 'T1234.001', name: 'Mine' } } } })), { code: 'BAD_DATA', message: /a technique is named for MINE, which is none of the model's classes BENIGN, .*--class/ })
  await t.rejects(loadModel(await modelWith(t, { manifest: { techniques: { PORT_SCAN: { id: 'T1234', name: 'Mine' } } } })), { code: 'BAD_DATA', message: /the technique of PORT_SCAN is not a model's to name/ })
  const classes = [...manifest.classes, 'CUSTOM']
  const golden = manifest.golden.map((vector) => ({ ...vector, probabilities: [...vector.probabilities, 0] }))
  await t.rejects(loadModel(await modelWith(t, { manifest: { classes, golden, thresholds: [...manifest.thresholds, 1] } })), { code: 'UNTRUSTED', message: /takes and gives/ })
})

t.test('what is no model at all is refused with its name', async (t) => {
  await t.rejects(loadModel(join(t.testdir(), 'nowhere')), { code: 'NOT_FOUND', message: /nowhere.manifest\.json cannot be opened/ })
  await t.rejects(loadModel(await modelWith(t, { text: 'no JSON' })), { code: 'BAD_DATA', message: /manifest\.json is not JSON/ })
  await t.rejects(loadModel(await modelWith(t, { text: '[]' })), { code: 'BAD_DATA' })
  await t.rejects(loadModel(await modelWith(t, { graph: Buffer.from('no graph') })), { code: 'BAD_DATA', message: /model\.onnx is no graph/ })
  await t.rejects(loadModel(await modelWith(t, { graph: Buffer.alloc(17 * 2 ** 20) })), { code: 'BAD_DATA', message: /at most 16777216/ })
  const folder = await modelWith(t, {})
  await writeFile(join(folder, 'other.onnx'), graph)
  await t.rejects(loadModel(join(folder, 'other.onnx')), { code: 'UNTRUSTED', message: /names model\.onnx/ })
})

t.test('without CUDA a GPU that was asked for is a warning, and the CPU scores', async (t) => {
  const warnings: string[] = []
  await using scorer = await loadModel(SHIPPED, { useGpu: true, warn: (message) => warnings.push(message) })
  t.ok(warnings.every((warning) => warning.startsWith('USE_GPU is set, but the CUDA provider cannot be used')), warnings.join())
  t.equal((await scorer.score(1, new Float32Array(TENSOR_SIZE), new Float32Array(CONTEXT_COLUMNS.length))).length, CLASSES.length)
})

t.test('examples are taken with the hash that the manifest gives, and the model goes on without broken ones', async (t) => {
  const text = await readFile(join(SHIPPED, 'prototypes.json'), 'utf8')
  const named = (bytes: Buffer) => ({ file: 'prototypes.json', bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') })
  const scorerWith = async (prototypes: unknown, file: string | null, said: string[]) => {
    const folder = await modelWith(t, { manifest: { prototypes } })
    if (file !== null) await writeFile(join(folder, 'prototypes.json'), file)
    return await loadModel(folder, { warn: (message) => said.push(message) })
  }
  const said: string[] = []
  await using good = await scorerWith(manifest.prototypes, text, said)
  t.ok((good.prototypes?.examples.length ?? 0) > 100)
  await using old = await scorerWith(undefined, null, said)
  t.equal(old.prototypes, null)
  t.same(said, [], 'a model of before examples has none, which is no fault')

  const file = JSON.parse(text) as Record<string, unknown> & { examples: Record<string, unknown>[] }
  const changed = (change: Record<string, unknown>): string => JSON.stringify({ ...file, ...change })
  const strange = (change: Record<string, unknown>): string => changed({ examples: [{ ...file.examples[0], ...change }] })
  for (const [broken, problem] of [
    [null, /prototypes\.json cannot be opened/],
    ['{', /prototypes\.json is not JSON/],
    [changed({ kind: 'Other' }), /holds no examples of a model: \/kind/],
    [strange({ at: [1, 2] }), /\/examples\/0\/at/],
    [strange({ tool: 'nmap\u001b[31m' }), /\/examples\/0\/tool/],
    [strange({ class: 'NO_SUCH' }), /has an example of NO_SUCH, the model's classes are BENIGN/],
  ] as const) {
    await using scorer = await scorerWith(named(Buffer.from(broken ?? '{}')), broken, said)
    t.equal(scorer.prototypes, null)
    t.match(said.pop(), problem)
    t.same((await scorer.score(1, new Float32Array(TENSOR_SIZE), new Float32Array(CONTEXT_COLUMNS.length))).length, CLASSES.length, 'it scores all the same')
  }
  await using other = await scorerWith(manifest.prototypes, `${text} `, said)
  t.equal(other.prototypes, null)
  t.match(said.pop(), /prototypes\.json is not the file that its manifest describes: expected sha256 [0-9a-f]+ \(\d+ bytes\), found .*; the model scores without examples of its training/)
})
