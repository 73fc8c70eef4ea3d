import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import { GroupCommit } from '../../../src/adapters/store/group-commit.ts'

const rows = (sqlite: DatabaseSync): unknown[] => sqlite.prepare('SELECT a FROM t').all().map((row) => row['a'])

function database (): DatabaseSync {
  const sqlite = new DatabaseSync(':memory:')
  sqlite.exec('CREATE TABLE t (a)')
  return sqlite
}

t.test('all writes of a turn are kept or none is, and each is told', async (t) => {
  const sqlite = database()
  const commits = new GroupCommit(sqlite, 'test.db')
  const put = (value: number) => () => sqlite.prepare('INSERT INTO t VALUES (?)').run(value).changes
  t.strictSame(await Promise.all([commits.run(put(1)), commits.run(put(2))]), [1, 1])
  const broken = await Promise.allSettled([commits.run(put(3)), commits.run(() => { throw new Error('a defect') }), commits.run(put(4))])
  t.match(broken, [{ status: 'rejected', reason: { code: 'INTERNAL' } }, { status: 'rejected' }, { status: 'rejected' }])
  t.strictSame(rows(sqlite), [1, 2])
  await commits.run(put(5))
  t.strictSame(rows(sqlite), [1, 2, 5])
})

t.test('what waits is bounded; a clean stop writes it, and then nothing more', async (t) => {
  const sqlite = database()
  const commits = new GroupCommit(sqlite, 'test.db')
  const put = () => sqlite.exec('INSERT INTO t VALUES (0)')
  const many = Array.from({ length: 10_001 }, async () => commits.run(put))
  commits[Symbol.dispose]()
  const results = await Promise.allSettled(many)
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 10_000)
  t.match(results.at(-1), { reason: { code: 'UNAVAILABLE', message: /slow down/ } })
  t.equal(rows(sqlite).length, 10_000)
  sqlite.close()
  await t.rejects(commits.run(put), { code: 'UNAVAILABLE', message: /stopping/ })
})
