import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import t from 'tap'
import { generate } from '../../scripts/generate.ts'

const generated = join(import.meta.dirname, '../../src/wire/gen')

async function contents (folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(await Promise.all(files.map(async (file) => [relative(folder, file), await readFile(file, 'utf8')] as const)))
}

t.test('the generated code that is checked in is what the .proto files give, byte for byte', async (t) => {
  const fresh = await mkdtemp(join(tmpdir(), 'autoshield-wire-'))
  t.teardown(() => rm(fresh, { recursive: true }))
  await generate(fresh)
  const [expected, found] = await Promise.all([contents(fresh), contents(generated)])
  t.same([...found.keys()].sort(), [...expected.keys()].sort(), 'the same files (npm run generate)')
  for (const [file, text] of expected) t.ok(found.get(file) === text, `${file} is current (npm run generate)`)
})
