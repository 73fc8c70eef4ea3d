import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { ModelStore } from '../../../src/adapters/models/model-store.ts'
import { loadModel, type CheckedModel } from '../../../src/adapters/onnx/load-model.ts'
import type { ModelManifest } from '../../../src/adapters/onnx/manifest.ts'
import { AutoshieldError } from '../../../src/core/errors.ts'
import { NOTHING_CHOSEN, promote } from '../../../src/core/model/standing.ts'
import { makeModel } from '../onnx/made-model.ts'

const CLASSES = ['BENIGN', 'CUSTOM_ATTACK']
const { manifest, graph } = makeModel({ version: 'mine-1', classes: CLASSES, probabilities: [0.25, 0.75] })
const checked = (changed: Partial<ModelManifest> = {}): CheckedModel => ({ manifest: { ...manifest, ...changed }, path: 'model.onnx', graph: Buffer.from(graph), origin: null, prototypes: { state: 'none' } })
const fine = async (): Promise<void> => undefined
const asked = { by: 'ann', reason: '', at: '2026-01-01T00:00:00.000Z' }

t.test('an installed model is there whole, and loads', async (t) => {
  const store = new ModelStore(join(t.testdir(), 'models'))
  t.same(await store.versions(), [], 'a folder that is not there yet holds nothing')
  t.equal(await store.install(checked(), fine), true)
  t.same(await store.versions(), ['mine-1'])
  await using scorer = await loadModel(store.folderOf('mine-1'))
  t.same(scorer.model.classes, CLASSES)
  t.equal(await store.install(checked(), fine), false, 'again is nothing')
})

t.test('what does not pass its check leaves nothing behind, and what is checked is the copy', async (t) => {
  const store = new ModelStore(t.testdir())
  const seen: string[] = []
  await t.rejects(store.install(checked(), async (folder) => {
    seen.push(...await readdir(folder))
    throw new AutoshieldError('UNTRUSTED', 'no')
  }), { code: 'UNTRUSTED' })
  t.same(seen.sort(), ['manifest.json', 'model.onnx'])
  t.same(await readdir(store.folder), [])
})

t.test('a version never changes', async (t) => {
  const store = new ModelStore(t.testdir())
  await store.install(checked(), fine)
  await t.rejects(store.install(checked({ thresholds: [1, 0.9] }), fine), { code: 'CONFLICT', message: /holds another model of version mine-1/ })
})

t.test('a version that would leave the folder is refused', async (t) => {
  const store = new ModelStore(t.testdir())
  for (const version of ['../mine', '.hidden', 'a/b', '', 'x y']) await t.rejects(store.install(checked({ version }), fine), { code: 'BAD_DATA', message: /cannot name a folder/ }, version)
})

t.test('there is room for 64 models, and what is used or gone back to is not removed', async (t) => {
  const store = new ModelStore(t.testdir())
  await store.install(checked(), fine)
  await store.choose(promote(promote(NOTHING_CHOSEN, 'mine-1', asked), 'other', asked))
  await t.rejects(store.remove('mine-1'), { code: 'CONFLICT', message: /rollback/ })
  await store.choose(NOTHING_CHOSEN)
  for (let number = 2; number <= 64; number++) await mkdir(join(store.folder, `mine-${number}`))
  await t.rejects(store.install(checked({ version: 'one-more' }), fine), { code: 'CONFLICT', message: /64 models/ })
  await store.remove('mine-1')
  t.equal(await store.has('mine-1'), false)
  await t.rejects(store.remove('mine-1'), { code: 'NOT_FOUND' })
})

t.test('what was asked is kept, and a file that is none of ours is named', async (t) => {
  const store = new ModelStore(t.testdir())
  t.same(await store.choice(), NOTHING_CHOSEN)
  const choice = promote(NOTHING_CHOSEN, 'mine-1', asked)
  await store.choose(choice)
  t.same(await store.choice(), choice)
  t.same(await readdir(store.folder), ['choice.json'])
  await writeFile(join(store.folder, 'choice.json'), '{}')
  await t.rejects(store.choice(), { code: 'BAD_DATA', message: /choice\.json is none of ours/ })
})
