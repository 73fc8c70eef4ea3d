import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import t from 'tap'
import { openAuditTrail } from '../../../src/adapters/store/audit-trail.ts'
import { verifyAudit } from '../../../src/adapters/store/verify-audit.ts'

const clock = { now: () => Date.UTC(2026, 0, 2) }
const entry = (n: number) => ({ actor: n % 2 === 0 ? 'autoshield' : 'eva', action: 'test.done', object: `thing/${n}`, reason: 'Stored', detail: { n, text: `number ${n}: 100%_safe` } })

async function written (dir: string, count: number, options: { maxEntries?: number } = {}): Promise<void> {
  await using audit = openAuditTrail(dir, { clock, ...options })
  for (let n = 1; n <= count; n++) await audit.append(entry(n))
}

function change (dir: string, sql: string): void {
  const database = new DatabaseSync(join(dir, 'audit.db'))
  database.exec(`DROP TRIGGER entry_is_final; ${sql}`)
  database.close()
}

t.test('the trail is numbered, chained over restarts, and verifies', async (t) => {
  const dir = t.testdir()
  await written(dir, 5)
  await written(dir, 5)
  t.strictSame(verifyAudit(dir), { ok: true, entries: 10 })
  await using audit = openAuditTrail(dir, { clock })
  t.strictSame(audit.search({ limit: 2 }).map(({ sequence }) => sequence), [10, 9])
  t.strictSame(verifyAudit(dir), { ok: true, entries: 10 }, 'also while a controller has it open')
})

t.test('entries are found by text, actor, action, object, time and place', async (t) => {
  const dir = t.testdir()
  await written(dir, 12)
  await using audit = openAuditTrail(dir, { clock })
  const found = (query: Parameters<typeof audit.search>[0]) => audit.search(query).map(({ sequence }) => sequence)
  t.strictSame(found({ object: 'thing/3' }), [3])
  t.strictSame(found({ text: 'NUMBER 12' }), [12], 'in any case')
  t.strictSame(found({ text: '100%_safe', limit: 1 }), [12], 'wildcards are plain text')
  t.strictSame(found({ text: '100_safe' }), [])
  t.equal(found({ actor: 'eva' }).length, 6)
  t.equal(found({ action: 'test.undone' }).length, 0)
  t.equal(found({ sinceMs: clock.now() }).length, 12)
  t.equal(found({ sinceMs: clock.now() + 1 }).length, 0)
  t.strictSame(found({ actor: 'eva', before: 9, limit: 2 }), [7, 5], 'from where a reader left off')
})

t.test('what was done to the trail is found, and where', async (t) => {
  const cases: [string, string, { sequence: number, what: RegExp }][] = [
    ['a changed actor', "UPDATE entry SET actor = 'nobody' WHERE sequence = 4", { sequence: 4, what: /changed/ }],
    ['a changed detail', "UPDATE entry SET detail = replace(detail, '4', '5') WHERE sequence = 4", { sequence: 4, what: /changed/ }],
    ['a space in the detail', "UPDATE entry SET detail = detail || ' ' WHERE sequence = 4", { sequence: 4, what: /changed/ }],
    ['a changed hash', "UPDATE entry SET hash = 'f' || substr(hash, 2) WHERE sequence = 1 AND hash NOT LIKE 'f%'; UPDATE entry SET hash = 'e' || substr(hash, 2) WHERE sequence = 1 AND hash LIKE 'f%'", { sequence: 1, what: /changed/ }],
    ['a removed row', 'DELETE FROM entry WHERE sequence = 6', { sequence: 6, what: /entry 6 is missing/ }],
    ['removed first rows', 'DELETE FROM entry WHERE sequence < 4', { sequence: 1, what: /entries 1 to 3 are missing/ }],
    ['two rows changed about', 'UPDATE entry SET sequence = -1 WHERE sequence = 5; UPDATE entry SET sequence = 5 WHERE sequence = 6; UPDATE entry SET sequence = 6 WHERE sequence = -1', { sequence: 5, what: /changed/ }],
    ['a cut tail', 'DELETE FROM entry WHERE sequence > 8', { sequence: 9, what: /entries 9 to 10 are missing/ }],
    ['everything gone', 'DELETE FROM entry', { sequence: 1, what: /entries 1 to 10 are missing/ }],
  ]
  for (const [name, sql, expected] of cases) {
    const dir = t.testdir({})
    await written(dir, 10)
    change(dir, sql)
    t.match(verifyAudit(dir), { ok: false, ...expected }, name)
    await written(dir, 1)
    t.match(verifyAudit(dir), { ok: false, ...expected }, `${name}, also after the next start`)
  }
})

t.test('a crash between the table and the head is not taken for tampering', async (t) => {
  const dir = t.testdir()
  await written(dir, 3)
  const head = readFileSync(join(dir, 'audit.head'))
  await written(dir, 1)
  writeFileSync(join(dir, 'audit.head'), head)
  t.strictSame(verifyAudit(dir), { ok: true, entries: 4 })
})

t.test('a missing or unreadable head is said, also after the next start', async (t) => {
  for (const spoil of [(path: string) => rmSync(path), (path: string) => writeFileSync(path, 'x'.repeat(512))]) {
    const dir = t.testdir({})
    await written(dir, 3)
    spoil(join(dir, 'audit.head'))
    t.match(verifyAudit(dir), { ok: false, what: /head record is missing/ })
    await written(dir, 1)
    t.match(verifyAudit(dir), { ok: false, sequence: 4, what: /was missing when AutoShield started/ })
  }
})

t.test('history is bounded, what is left still verifies, and a cut that nobody vouches for does not', async (t) => {
  const dir = t.testdir()
  await written(dir, 95, { maxEntries: 20 })
  const verdict = verifyAudit(dir)
  t.match(verdict, { ok: true })
  if (verdict.ok) t.ok(verdict.entries <= 24, `${verdict.entries} entries are left`)
  change(dir, 'DELETE FROM entry WHERE sequence = (SELECT min(sequence) FROM entry)')
  t.match(verifyAudit(dir), { ok: false, what: /missing/ })
})

t.test('any changed byte of an entry is found', async (t) => {
  const dir = t.testdir()
  await written(dir, 20)
  const path = join(dir, 'audit.db')
  const sound = readFileSync(path)
  const rows = [...sound.toString('latin1').matchAll(/autoshield|eva|test\.done|number \d+: 100%_safe/g)].map(({ index }) => index)
  fc.assert(fc.property(fc.constantFrom(...rows), fc.integer({ min: 1, max: 255 }), (offset, flip) => {
    const spoiled = Buffer.from(sound)
    spoiled.writeUInt8(spoiled.readUInt8(offset) ^ flip, offset)
    writeFileSync(path, spoiled)
    const verdict = verifyAudit(dir)
    return !verdict.ok && verdict.sequence >= 1 && verdict.sequence <= 20
  }), { numRuns: 60 })
  t.pass()
})

t.test('a folder without a trail is told apart from an empty trail', async (t) => {
  const dir = t.testdir()
  t.throws(() => verifyAudit(dir), { code: 'NOT_FOUND' })
  await written(dir, 0)
  t.strictSame(verifyAudit(dir), { ok: true, entries: 0 })
})
