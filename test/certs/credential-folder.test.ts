import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { credentialFiles, FolderCredentials, writeCredentials } from '../../certs/credential-folder.ts'
import { DAY_MS, Root, TestClock } from './samples.ts'

async function scene (t: Test) {
  const folder = await mkdtemp(join(tmpdir(), 'autoshield-identity-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const [root, clock, warnings] = [new Root(), new TestClock(), [] as string[]]
  const first = root.issue('detector')
  await writeCredentials(folder, first)
  return { folder, root, clock, warnings, first, options: { clock, warn: (problem: string) => { warnings.push(problem) } } }
}

t.test('a renewed folder is taken while the process runs', async (t) => {
  const { folder, root, warnings, first, options } = await scene(t)
  const credentials = await FolderCredentials.open(folder, { ...options, everyMs: 1 })
  t.same(credentials.current(), first)
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const changes = credentials.onChange(() => resolve(undefined))
  const stop = new AbortController()
  const running = credentials.run(stop.signal)
  const second = root.issue('detector')
  await writeCredentials(folder, second)
  await promise
  changes[Symbol.dispose]()
  t.same(credentials.current(), second)
  t.same((await readdir(folder)).sort(), ['ca.pem', 'cert.pem', 'key.pem'], 'nothing is left over')
  stop.abort()
  await running
  t.ok(warnings.length <= 1, 'what it saw between two files, it says at most once')
})

t.test('what cannot be used is refused once with its reason, and the old pair stays', async (t) => {
  const { folder, root, clock, warnings, first, options } = await scene(t)
  const credentials = await FolderCredentials.open(folder, options)
  const files = credentialFiles(folder)
  const refused = async (why: RegExp): Promise<void> => {
    await credentials.look()
    await credentials.look()
    t.same(credentials.current(), first)
    t.equal(warnings.length, 1)
    t.match(warnings.pop(), why)
  }
  await writeFile(files.key, root.issue('detector').key)
  await refused(/the key is not that of the certificate/)
  await writeFile(files.key, first.key.slice(0, 60))
  await refused(/a part is missing or is no PEM/)
  await writeCredentials(folder, { ...root.issue('detector'), authorities: new Root().authority.bundle })
  await refused(/no authority of the bundle/)
  await writeCredentials(folder, root.issue('detector', { nowMs: clock.now() - 2 * DAY_MS }))
  await refused(/has ended/)
  await writeCredentials(folder, root.issue('detector', { nowMs: clock.now() + DAY_MS }))
  await refused(/not valid yet/)
  await rm(files.certificate)
  await credentials.look()
  t.same(credentials.current(), first, 'a file that is missing for a moment changes nothing')
  const next = root.issue('detector')
  await writeCredentials(folder, next)
  await credentials.look()
  t.same(credentials.current(), next, 'and what is good is taken again')
})

t.test('a folder with nothing usable in it is refused at the start', async (t) => {
  const { folder, clock, options } = await scene(t)
  clock.nowMs += 2 * DAY_MS
  await t.rejects(FolderCredentials.open(folder, options), { code: 'UNTRUSTED', message: /has ended .*make a new one/ })
  await t.rejects(FolderCredentials.open(join(folder, 'nothing'), options), { code: 'NOT_FOUND' })
})
