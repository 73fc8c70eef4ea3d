import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { loadYardstick, yardsticksIn } from '../../../models/evaluation/yardstick-scorer.ts'
import { CONTEXT_COLUMNS } from '../../../src/core/tensor/context.ts'
import { TENSOR_SIZE } from '../../../src/core/tensor/tensor-table.ts'
import { FEATURES, FEATURE_SCHEMA } from '../../../src/core/window/window.ts'

const CLASSES = ['BENIGN', 'PORT_SCAN', 'SYN_FLOOD']
// One feature is read: columns 0 to 19 are its windows, 20 their mean, 21 their maximum; then the context.
const COLUMNS = 22 + CONTEXT_COLUMNS.length
const [MEAN, MAXIMUM] = [20, 21]

/** A tensor in whose newest window so many SYNs are. */
function tensorOf (syns: number): Float32Array {
  const tensor = new Float32Array(TENSOR_SIZE)
  tensor[TENSOR_SIZE - FEATURES.length + FEATURES.indexOf('syn_count')] = syns
  return tensor
}

const context = new Float32Array(CONTEXT_COLUMNS.length)
const softmax = (logits: readonly number[]): number[] => logits.map((each) => Math.exp(each) / logits.reduce((sum, other) => sum + Math.exp(other), 0))
const leaf = (value: number) => ({ column: [-1], value: [value], right: [0] })

const file = (name: string, golden: readonly number[]) => ({
  apiVersion: 'autoshield.dev/v1alpha1',
  kind: 'Yardstick',
  name,
  featureSchema: FEATURE_SCHEMA,
  features: ['syn_count'],
  contextColumns: CONTEXT_COLUMNS,
  classes: CLASSES,
  thresholds: [1, 0.9, 0.9],
  golden: [{ tensor: [...tensorOf(100)], context: [...context], probabilities: softmax(golden) }],
  crossValidation: {},
})

// A flood where the maximum is over 50, and 2 more where the mean is over 4 as well: 100 SYNs in one of 20 windows have a mean of 5.
const flood = { column: [MAXIMUM, -1, MEAN, -1, -1], value: [50, -3, 4, 1, 3], right: [2, 0, 4, 0, 0] }
const trees = (tree = flood, base = [0.5, 0, 0], golden = [0.5, 0, 3]) => ({ ...file('boosted trees', golden), trees: { base, rounds: [[leaf(0), leaf(0), tree]] } })

/** Reads log1p of the maximum, less 1, doubled, up to 5. */
function linear () {
  const row = Array.from({ length: COLUMNS }, () => 0)
  const weights = CLASSES.map((_, index) => row.with(MAXIMUM, index === 2 ? 1 : 0))
  return { ...file('logistic regression', [0.25, 0, 5]), linear: { mean: row.with(MAXIMUM, 1), scale: row.with(MAXIMUM, 2), limit: 5, weights, bias: [0.25, 0, 0] } }
}

async function written (t: Test, value: object): Promise<string> {
  const path = join(t.testdir(), 'yardstick.json.gz')
  await writeFile(path, gzipSync(JSON.stringify(value)))
  return path
}

/** Probabilities of 100, 60 and 10 SYNs, asked for together. */
async function asked (t: Test, value: object): Promise<number[][]> {
  await using scorer = await loadYardstick(await written(t, value))
  const said = await scorer.score(3, Float32Array.from([100, 60, 10].flatMap((syns) => [...tensorOf(syns)])), new Float32Array(3 * CONTEXT_COLUMNS.length))
  return [0, 1, 2].map((row) => [...said.subarray(row * 3, (row + 1) * 3)])
}

const near = (t: Test, found: readonly (readonly number[])[], logits: readonly (readonly number[])[]): void => {
  for (const [row, expected] of logits.map(softmax).entries()) for (const [index, value] of expected.entries()) t.ok(Math.abs(value - (found[row]?.[index] ?? NaN)) < 1e-6, `row ${row}, ${CLASSES[index] ?? ''}`)
}

t.test('trees go left up to a limit and right beyond it, by maxima and means of the windows', async (t) => {
  near(t, await asked(t, trees()), [[0.5, 0, 3], [0.5, 0, 1], [0.5, 0, -3]])
})

t.test('logistic regression reads scaled logarithms, up to a limit', async (t) => {
  near(t, await asked(t, linear()), [[0.25, 0, 5], [0.25, 0, 5], [0.25, 0, 2 * (Math.log(11) - 1)]])
})

t.test('all yardsticks of a folder stand beside the model, and nobody without one', async (t) => {
  const folder = join(t.testdir(), 'yardsticks')
  t.same(await yardsticksIn(folder), [])
  await mkdir(folder)
  for (const one of [linear(), trees()]) await writeFile(join(folder, `${one.name}.json.gz`), gzipSync(JSON.stringify(one)))
  t.same((await yardsticksIn(folder)).map(({ model }) => model.version), ['boosted trees', 'logistic regression'])
})

t.test('a file that computes something else, or could lead nowhere, is refused with its place', async (t) => {
  const refused = async (value: object, message: RegExp): Promise<void> => { await t.rejects(written(t, value).then(loadYardstick), { code: 'BAD_DATA', message }) }
  await refused(trees(flood, [9, 0, 0]), /yardstick\.json\.gz: golden\[0\] \w+ is /)
  await refused(trees({ ...flood, right: [0, 0, 4, 0, 0] }), /the first unsound node of tree 2 of round 0 is 0, expected -1/)
  await refused(trees({ ...flood, column: [COLUMNS, -1, MEAN, -1, -1] }), /the first unsound node of tree 2 of round 0 is 0, expected -1/)
  await refused({ ...linear(), linear: { ...linear().linear, bias: [0] } }, /the shape of linear/)
  await refused({ ...linear(), kind: 'ModelManifest' }, /is no yardstick/)
  const path = join(t.testdir(), 'broken.json.gz')
  await writeFile(path, 'no gzip')
  await t.rejects(loadYardstick(path), { code: 'BAD_DATA', message: /cannot be read as compressed JSON; restore it/ })
})
