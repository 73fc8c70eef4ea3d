import type { StatementSync } from 'node:sqlite'
import type { Static, TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { AutoshieldError } from '../../core/errors.ts'
import type { Collection } from '../../ports/object-store.ts'
import type { OwnedDatabase } from './database.ts'
import { foreign } from './foreign-error.ts'
import type { GroupCommit } from './group-commit.ts'

export interface CollectionSpec<S extends TSchema> {
  readonly name: string
  readonly schema: S
  /** How many ended objects are kept. */
  readonly limit: number
  /** What still matters is never pruned. */
  readonly live: (value: Static<S>) => boolean
}

/** Pruning counts through the whole index, so it runs once in this many writes. */
const PRUNE_EVERY = 256

export class SqliteCollection<S extends TSchema> implements Collection<Static<S>> {
  readonly #path: string
  readonly #spec: CollectionSpec<S>
  readonly #validator: Validator<Record<string, never>, S>
  readonly #commits: GroupCommit
  readonly #one: StatementSync
  readonly #newest: StatementSync
  readonly #upsert: StatementSync
  readonly #prune: StatementSync
  readonly #delete: StatementSync
  #writes = 0

  constructor ({ sqlite, path }: Pick<OwnedDatabase, 'sqlite' | 'path'>, commits: GroupCommit, spec: CollectionSpec<S>) {
    this.#path = path
    this.#spec = spec
    this.#validator = Compile(spec.schema)
    this.#commits = commits
    this.#one = sqlite.prepare('SELECT id, value FROM object WHERE collection = ? AND id = ?')
    this.#newest = sqlite.prepare('SELECT id, value FROM object WHERE collection = ? ORDER BY place DESC LIMIT ?')
    this.#upsert = sqlite.prepare(`
      INSERT INTO object (collection, id, live, value) VALUES (?, ?, ?, ?)
      ON CONFLICT (collection, id) DO UPDATE SET live = excluded.live, value = excluded.value`)
    this.#delete = sqlite.prepare('DELETE FROM object WHERE collection = ? AND id = ?')
    this.#prune = sqlite.prepare(`
      DELETE FROM object WHERE collection = ?1 AND live = 0 AND place <=
        (SELECT place FROM object WHERE collection = ?1 AND live = 0 ORDER BY place DESC LIMIT 1 OFFSET ?2)`)
  }

  get (id: string): Static<S> | null {
    const row = this.#read(() => this.#one.get(this.#spec.name, id))
    return row === undefined ? null : this.#parse(row)
  }

  list ({ limit = -1 }: { limit?: number } = {}): readonly Static<S>[] {
    return this.#read(() => this.#newest.all(this.#spec.name, limit)).map((row) => this.#parse(row))
  }

  async put (id: string, value: Static<S>): Promise<void> {
    const { name, live, limit } = this.#spec
    const [text, inForce] = [JSON.stringify(value), live(value) ? 1 : 0]
    await this.#commits.run(() => {
      this.#upsert.run(name, id, inForce, text)
      if (this.#writes++ % PRUNE_EVERY === 0) this.#prune.run(name, limit)
    })
  }

  async delete (id: string): Promise<void> {
    await this.#commits.run(() => { this.#delete.run(this.#spec.name, id) })
  }

  #read<T> (query: () => T): T {
    try {
      return query()
    } catch (error) {
      throw foreign(error, this.#path)
    }
  }

  #parse (row: Record<string, unknown>): Static<S> {
    try {
      const value: unknown = JSON.parse(String(row['value']))
      if (this.#validator.Check(value)) return value
      const [first] = this.#validator.Errors(value)
      throw new Error(`${first?.instancePath ?? ''} ${first?.message ?? 'does not fit its schema'}`)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new AutoshieldError('BAD_DATA', `${this.#path} holds ${this.#spec.name}/${String(row['id'])} that cannot be understood (${why}): put a backup in its place, or move it away.`, { cause })
    }
  }
}
