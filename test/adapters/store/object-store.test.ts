import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import { openAuditTrail } from '../../../src/adapters/store/audit-trail.ts'
import { openStore } from '../../../src/adapters/store/object-store.ts'
import { verifyAudit } from '../../../src/adapters/store/verify-audit.ts'
import { mitigationContract } from './mitigation-contract.ts'
import { sampleDetection } from './samples.ts'

t.test('what was put is read back, newest first, and an update neither moves nor doubles it', async (t) => {
  await using store = openStore(t.testdir())
  await store.detections.put('a', sampleDetection('a'))
  await store.detections.put('b', sampleDetection('b'))
  await store.detections.put('a', sampleDetection('a', { count: 7 }))
  t.strictSame(store.detections.list().map(({ id, count }) => [id, count]), [['b', 1], ['a', 7]])
  t.strictSame(store.detections.list({ limit: 1 }).map(({ id }) => id), ['b'])
  t.equal(store.detections.get('nobody'), null)
  await store.checkpoints.save('verdict', { a: 1 })
  t.strictSame(store.checkpoints.load('verdict'), { a: 1 })
  t.equal(store.checkpoints.load('other'), undefined)
})

t.test('a second process on the same folder is told so, and a closed store frees the folder', async (t) => {
  const dir = t.testdir()
  const first = openStore(dir)
  t.throws(() => openStore(dir), { code: 'UNAVAILABLE', message: /in use by another AutoShield process/ })
  await first[Symbol.asyncDispose]()
  await using second = openStore(dir)
  t.strictSame(second.detections.list(), [])
})

mitigationContract(t, async (t, retention) => {
  const dir = t.testdir()
  let store = openStore(dir, { mitigations: retention })
  t.teardown(() => store[Symbol.asyncDispose]())
  return {
    collection: () => store.mitigations,
    writes: 1_000,
    slack: 256,
    reopen: async () => {
      await store[Symbol.asyncDispose]()
      store = openStore(dir, { mitigations: retention })
    },
  }
})

t.test('a full disk refuses the write, keeps nothing of it, and is over when there is room', async (t) => {
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']
  const run = spawnSync('unshare', [...asRoot, '--mount', 'sh', '-c', 'mount -t tmpfs -o size=2m tmpfs "$1" && exec "$2" "$3" "$1"', 'sh', t.testdir(), process.execPath, fixture('full-disk.ts')], { encoding: 'utf8' })
  if (run.status !== 0 && /unshare|mount/.test(run.stderr)) {
    t.plan(0, `a small disk cannot be made here: ${run.stderr}`)
    return
  }
  t.strictSame(run.stdout.trim().split('\n'), [
    'store while full: UNAVAILABLE',
    'audit while full: UNAVAILABLE',
    'kept of it: 0 detections, 0 decisions',
    'store with room: d',
    'trail: {"ok":true,"entries":2}',
  ], run.stderr)
})

t.test('kill -9 at any moment loses nothing that was acknowledged', async (t) => {
  for (const afterLines of [1, 40, 300]) {
    const dir = t.testdir({})
    const acknowledged = await killedAfter(afterLines, fixture('writes-until-killed.ts'), dir)
    await using store = openStore(dir)
    await using audit = openAuditTrail(dir, { clock: { now: () => 0 } })
    t.strictSame(acknowledged.filter((id) => store.detections.get(id) === null), [], `of ${acknowledged.length} none is lost`)
    t.ok(audit.search({ limit: -1 }).length >= acknowledged.length)
    t.equal(verifyAudit(dir).ok, true)
  }
})

t.test('what is not our database, or newer than we are, or damaged, is refused with the mend', async (t) => {
  const cases: [string, (path: string) => void, RegExp][] = [
    ['text', (path) => writeFileSync(path, 'this is no database, it is a letter. '.repeat(100)), /is damaged .* put a backup/],
    ['another program', (path) => other(path, 'PRAGMA application_id = 7'), /another program's/],
    ['newer', (path) => other(path, 'PRAGMA application_id = 1095978289; PRAGMA user_version = 99'), /schema version 99 and this AutoShield knows up to 1/],
  ]
  for (const [name, prepare, message] of cases) {
    const dir = t.testdir({})
    prepare(join(dir, 'store.db'))
    t.throws(() => openStore(dir), { code: 'BAD_DATA', message }, name)
  }
  t.throws(() => openStore(join(t.testdir({ file: '' }), 'file')), { code: 'USAGE', message: /not a folder/ })
})

t.test('a value that does not fit its schema is never handed on', async (t) => {
  const dir = t.testdir()
  await openStore(dir)[Symbol.asyncDispose]()
  other(join(dir, 'store.db'), "INSERT INTO object (collection, id, live, value) VALUES ('decisions', 'x', 0, '{}')")
  await using store = openStore(dir)
  t.throws(() => store.decisions.get('x'), { code: 'BAD_DATA', message: /decisions\/x/ })
  t.throws(() => store.decisions.list(), { code: 'BAD_DATA' })
})

const fixture = (name: string): string => join(import.meta.dirname, 'fixtures', name)

function other (path: string, sql: string): void {
  const database = new DatabaseSync(path)
  database.exec(sql)
  database.close()
}

/** Runs a script that prints what was acknowledged, kills it after so many lines, and gives all lines that it printed. */
async function killedAfter (lines: number, script: string, ...args: string[]): Promise<string[]> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const seen: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    seen.push(line)
    if (seen.length === lines) child.kill('SIGKILL')
  }
  return seen
}
