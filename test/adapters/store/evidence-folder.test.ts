import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { EvidenceFolder } from '../../../src/adapters/store/evidence-folder.ts'

const ABOUT = { errand: 'e-1', detection: 'd-1', pod: { uid: 'u1', namespace: 'shop', name: 'web-0' }, keptAt: '2026-06-01T12:00:00.000Z' }
const GATHERED = { files: [{ name: 'pod.json', text: '{}\n' }, { name: 'app.log', text: 'hello\n' }], missing: [{ what: 'sockets', why: 'nobody asks' }] }

t.test('evidence is as it was kept, or what was changed is named', async (t) => {
  const dir = t.testdir()
  const folder = new EvidenceFolder(dir)
  const kept = await folder.keep(ABOUT, GATHERED)
  t.match(await folder.look('e-1'), { sha256: kept.sha256, changed: [], manifest: { ...ABOUT, missing: GATHERED.missing, files: [{ name: 'pod.json', bytes: 3 }, { name: 'app.log' }] } })
  t.equal(await folder.read('e-1', 'app.log'), 'hello\n')
  await writeFile(join(dir, 'evidence/e-1/app.log'), 'nothing happened\n')
  t.strictSame((await folder.look('e-1')).changed, ['app.log'])
  t.match(await folder.list(), [ABOUT])
  t.strictSame(await readdir(join(dir, 'evidence')), ['e-1'], 'nothing unfinished is left')
})

t.test('a second attempt replaces the first, and nobody reads beside the folder', async (t) => {
  const folder = new EvidenceFolder(t.testdir({ secret: 'x' }))
  const [first, second] = [await folder.keep(ABOUT, GATHERED), await folder.keep(ABOUT, { ...GATHERED, missing: [] })]
  t.not(first.sha256, second.sha256)
  t.equal((await folder.look('e-1')).sha256, second.sha256)
  for (const [name, file] of [['e-1', '../secret'], ['../evidence/e-1', 'pod.json'], ['..', 'secret'], ['e-2', 'pod.json'], ['e-1', 'manifest.json']] as const) await t.rejects(folder.read(name, file), { code: 'NOT_FOUND' }, `${name} ${file}`)
  t.strictSame(await new EvidenceFolder(t.testdir()).list(), [])
})

t.test('it is bounded: the oldest goes', async (t) => {
  const folder = new EvidenceFolder(t.testdir())
  for (let index = 0; index < 258; index++) await folder.keep({ ...ABOUT, errand: `e-${index}`, keptAt: new Date(Date.parse(ABOUT.keptAt) + index).toISOString() }, { files: [], missing: [] })
  const names = (await folder.list()).map(({ errand }) => errand)
  t.equal(names.length, 256)
  t.strictSame([names[0], names.includes('e-0')], ['e-257', false])
})
