import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { CLASSES } from '../../src/core/classes.ts'
import { CONTEXT_COLUMNS } from '../../src/core/tensor/context.ts'
import { FEATURES, FEATURE_SCHEMA, KEY_KINDS, STEPS_MS } from '../../src/core/window/window.ts'
import { SAMPLE_COLUMNS, type RunEntry } from '../../models/training/dataset-writer.ts'

const FOLDER = join(import.meta.dirname, '../../models/training/dataset')
const index = JSON.parse(await readFile(join(FOLDER, 'index.json'), 'utf8')) as Record<string, unknown> & { runs: RunEntry[] }

t.test('the data set in the tree is of this program\'s features, so training can be repeated from it', (t) => {
  t.match(index, {
    featureSchema: FEATURE_SCHEMA, features: FEATURES, contextColumns: CONTEXT_COLUMNS, classes: CLASSES, kinds: KEY_KINDS, stepsMs: STEPS_MS, sampleColumns: SAMPLE_COLUMNS,
  })
  t.end()
})

t.test('every run in it may be trained on, and the model card\'s sources are these', async (t) => {
  const manifest = JSON.parse(await readFile(join(FOLDER, '../../manifest.json'), 'utf8')) as { data: { source: string, licence: string }[] }
  const named = new Set(manifest.data.map(({ source, licence }) => `${source} ${licence}`))
  for (const { name, source, licence } of index.runs) {
    t.match(licence, /^(MIT|BSD-3|Apache-2\.0)$/, name)
    t.ok(named.has(`${source} ${licence}`), `${source} is in the manifest`)
  }
})

t.test('it is small enough to live in the tree', async (t) => {
  const sizes = await Promise.all((await readdir(FOLDER)).map(async (file) => (await stat(join(FOLDER, file))).size))
  t.ok(sizes.reduce((sum, size) => sum + size, 0) < 15 * 2 ** 20)
})
