import type { SQLInputValue, StatementSync } from 'node:sqlite'
import { basename, join } from 'node:path'
import type { AuditEntry, AuditTrail } from '../../ports/audit.ts'
import type { Clock } from '../../ports/clock.ts'
import { AutoshieldError } from '../../core/errors.ts'
import { AUDIT_ACTIONS, chainHash, entryOf, GENESIS, rowOf } from './audit-chain.ts'
import { canonicalJson } from '../../core/canonical-json.ts'
import { openReadOnly, OwnedDatabase } from './database.ts'
import { foreign } from './foreign-error.ts'
import type { ChangeLog } from './change-log.ts'
import { GroupCommit } from './group-commit.ts'
import { HeadFile, readHead, type Head } from './head-file.ts'

const MIGRATIONS = [`
  CREATE TABLE entry (
    sequence INTEGER PRIMARY KEY,
    at TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL, reason TEXT NOT NULL,
    detail TEXT NOT NULL, hash TEXT NOT NULL
  ) STRICT;
  CREATE INDEX entry_object ON entry (object);
  CREATE TRIGGER entry_is_final BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'an audit entry is never changed'); END`]

export const AUDIT_DATABASE = 'audit'
export const headPath = (dir: string): string => join(dir, `${AUDIT_DATABASE}.head`)

export interface AuditOptions {
  readonly clock: Clock
  /** Entries kept; older ones go, and an entry of the chain vouches for the place of the cut. */
  readonly maxEntries?: number
  /** Who follows it has the trail, too. */
  readonly log?: ChangeLog | null
}
const MAX_ENTRIES = 1_000_000

type NewAuditEntry = Parameters<AuditTrail['append']>[0]

/** The trail in `DIR/audit.db`, its end in `DIR/audit.head`. Throws as `OwnedDatabase.open` does. */
export function openAuditTrail (dir: string, options: AuditOptions): AuditTrail & AsyncDisposable {
  return SqliteAuditTrail.open(dir, options)
}

class SqliteAuditTrail implements AuditTrail, AsyncDisposable {
  readonly #owned: OwnedDatabase
  readonly #headFile: HeadFile
  readonly #commits: GroupCommit
  readonly #clock: Clock
  readonly #maxEntries: number
  readonly #insert: StatementSync
  #acknowledged: Head
  #last: Head
  #sincePrune = 0

  private constructor (owned: OwnedDatabase, headFile: HeadFile, last: Head, { clock, maxEntries = MAX_ENTRIES, log = null }: AuditOptions) {
    this.#owned = owned
    this.#headFile = headFile
    this.#clock = clock
    this.#maxEntries = maxEntries
    this.#last = this.#acknowledged = last
    this.#insert = owned.sqlite.prepare('INSERT INTO entry (sequence, at, actor, action, object, reason, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    this.#commits = new GroupCommit(owned.sqlite, owned.path, {
      afterCommit: () => {
        this.#acknowledged = this.#last
        headFile.write(this.#last)
      },
      afterRollback: () => { this.#last = this.#acknowledged },
      share: log?.attach(owned, [basename(headPath(owned.dir))]),
    })
  }

  static open (dir: string, options: AuditOptions): SqliteAuditTrail {
    const owned = OwnedDatabase.open({ dir, name: AUDIT_DATABASE, applicationId: 0x41534131, migrations: MIGRATIONS })
    try {
      const row = owned.sqlite.prepare('SELECT sequence, hash FROM entry ORDER BY sequence DESC LIMIT 1').get()
      const stored = row === undefined ? { sequence: 0, hash: GENESIS } : { sequence: Number(row['sequence']), hash: String(row['hash']) }
      const head = readHead(headPath(dir))
      const headFile = HeadFile.open(headPath(dir), stored)
      // Going on from the head and not from a shortened table leaves the hole open for `verifyAudit` to find.
      const trail = new SqliteAuditTrail(owned, headFile, head !== null && head.sequence > stored.sequence ? head : stored, options)
      if (head === null && row !== undefined) trail.#sayUnproven()
      return trail
    } catch (error) {
      owned[Symbol.dispose]()
      throw foreign(error, owned.path)
    }
  }

  async append (entry: NewAuditEntry): Promise<AuditEntry> {
    const detail = JSON.parse(canonicalJson(entry.detail)) as AuditEntry['detail'] // as it will be read back
    return this.#commits.run(() => {
      const written = this.#write({ ...entry, detail })
      if (++this.#sincePrune >= this.#maxEntries / 10) this.#prune()
      return written
    })
  }

  search (query: AuditQuery): readonly AuditEntry[] {
    return searchEntries(this.#owned, query)
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    this.#commits[Symbol.dispose]()
    this.#headFile[Symbol.dispose]()
    this.#owned[Symbol.dispose]()
  }

  #write (entry: NewAuditEntry): AuditEntry {
    const unchained = { ...entry, sequence: this.#last.sequence + 1, at: new Date(this.#clock.now()).toISOString() }
    const written = { ...unchained, hash: chainHash(this.#last.hash, unchained) }
    const { sequence, at, actor, action, object, reason, detail, hash } = written
    this.#insert.run(sequence, at, actor, action, object, reason, canonicalJson(detail), hash)
    this.#last = { sequence, hash }
    return written
  }

  #sayUnproven (): void {
    this.#write({ actor: 'autoshield', action: AUDIT_ACTIONS.unproven, object: 'audit', reason: 'HeadMissing', detail: { after: this.#last.sequence } })
    this.#acknowledged = this.#last
    this.#headFile.write(this.#last)
  }

  /** Lets the oldest entries go; the entry that says so carries the hash at the cut, so what is left can still be proved. */
  #prune (): void {
    this.#sincePrune = 0
    const through = this.#last.sequence - this.#maxEntries
    const cut = this.#owned.sqlite.prepare('SELECT hash FROM entry WHERE sequence = ?').get(through)
    if (cut === undefined) return
    this.#owned.sqlite.prepare('DELETE FROM entry WHERE sequence <= ?').run(through)
    this.#write({ actor: 'autoshield', action: AUDIT_ACTIONS.pruned, object: 'audit', reason: 'Retention', detail: { through, hash: String(cut['hash']) } })
  }
}

/** What is in the trail of `DIR` now, also while a controller writes it. Throws NOT_FOUND where there is none. */
export function readAuditTrail (dir: string): Pick<AuditTrail, 'search'> & Disposable {
  const { sqlite, path } = openReadOnly(dir, AUDIT_DATABASE)
  return { search: (query) => searchEntries({ sqlite, path }, query), [Symbol.dispose]: () => sqlite.close() }
}

function searchEntries ({ sqlite, path }: Pick<OwnedDatabase, 'sqlite' | 'path'>, query: AuditQuery): readonly AuditEntry[] {
  const { where, values } = conditions(query)
  try {
    return sqlite.prepare(`SELECT * FROM entry ${where} ORDER BY sequence DESC LIMIT ?`)
      .all(...values, query.limit ?? 100)
      .map((row) => entryOf(rowOf(row)) ?? unreadable(path, row))
  } catch (error) {
    throw foreign(error, path)
  }
}

function unreadable (path: string, row: Record<string, unknown>): never {
  throw new AutoshieldError('BAD_DATA', `${path} has entry ${String(row['sequence'])} that cannot be understood: run \`autoshield audit verify\`, and put a backup in its place.`)
}

type AuditQuery = Parameters<AuditTrail['search']>[0]

function conditions (query: AuditQuery): { where: string, values: SQLInputValue[] } {
  const terms: [string, SQLInputValue][] = []
  for (const column of ['actor', 'action', 'object'] as const) {
    const wanted = query[column]
    if (wanted !== undefined) terms.push([`${column} = ?`, wanted])
  }
  if (query.sinceMs !== undefined) terms.push(['at >= ?', new Date(query.sinceMs).toISOString()])
  if (query.before !== undefined) terms.push(['sequence < ?', query.before])
  if (query.text !== undefined) {
    const literal = `%${query.text.replace(/[\\%_]/g, '\\$&')}%`
    terms.push(["(actor || char(10) || action || char(10) || object || char(10) || reason || char(10) || detail) LIKE ? ESCAPE '\\'", literal])
  }
  return {
    where: terms.length === 0 ? '' : `WHERE ${terms.map(([term]) => term).join(' AND ')}`,
    values: terms.map(([, value]) => value),
  }
}
