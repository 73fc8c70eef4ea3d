import type { StatementSync } from 'node:sqlite'
import { AutoshieldError } from '../../core/errors.ts'
import type { Checkpoints } from '../../ports/object-store.ts'
import type { OwnedDatabase } from './database.ts'
import type { GroupCommit } from './group-commit.ts'

export class SqliteCheckpoints implements Checkpoints {
  readonly #path: string
  readonly #commits: GroupCommit
  readonly #select: StatementSync
  readonly #upsert: StatementSync

  constructor ({ sqlite, path }: OwnedDatabase, commits: GroupCommit) {
    this.#path = path
    this.#commits = commits
    this.#select = sqlite.prepare('SELECT value FROM checkpoint WHERE name = ?')
    this.#upsert = sqlite.prepare('INSERT INTO checkpoint (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value')
  }

  load (name: string): unknown {
    const row = this.#select.get(name)
    if (row === undefined) return undefined
    try {
      return JSON.parse(String(row['value']))
    } catch (cause) {
      throw new AutoshieldError('BAD_DATA', `${this.#path} holds a checkpoint "${name}" that is not JSON: put a backup in its place, or move it away.`, { cause })
    }
  }

  async save (name: string, value: unknown): Promise<void> {
    const text = JSON.stringify(value)
    await this.#commits.run(() => { this.#upsert.run(name, text) })
  }
}
