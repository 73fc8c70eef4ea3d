import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AutoshieldError } from '../../core/errors.ts'
import { foreign } from './foreign-error.ts'

export interface DatabaseSpec {
  /** The data folder; made if it is not there. */
  readonly dir: string
  /** File name without ending: `NAME.db`, with its lock in `NAME.lock`. */
  readonly name: string
  /** Tells our files from any other SQLite file (`PRAGMA application_id`). */
  readonly applicationId: number
  /** One script a schema version, oldest first. An old file is brought forward, a newer one is refused. */
  readonly migrations: readonly string[]
}

/**
 * One SQLite file that belongs to this process alone until it is disposed.
 *
 * The claim is a lock held by the kernel on a second file, so it ends with the process however it dies, while
 * others (`audit verify`, backups) may still read the database beside us, which an exclusive WAL would forbid.
 */
export class OwnedDatabase implements Disposable {
  readonly sqlite: DatabaseSync
  readonly path: string
  readonly dir: string
  readonly name: string
  readonly #lock: DatabaseSync

  private constructor (sqlite: DatabaseSync, lock: DatabaseSync, path: string, { dir, name }: DatabaseSpec) {
    this.sqlite = sqlite
    this.#lock = lock
    this.path = path
    this.dir = dir
    this.name = name
  }

  /** Throws UNAVAILABLE (in use, no room, no access) or BAD_DATA (damaged, not ours, newer than this program). */
  static open (spec: DatabaseSpec): OwnedDatabase {
    const path = join(spec.dir, `${spec.name}.db`)
    try {
      mkdirSync(spec.dir, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw foreign(error, spec.dir)
    }
    const lock = claim(spec.dir, spec.name)
    try {
      return new OwnedDatabase(openCurrent(path, spec), lock, path, spec)
    } catch (error) {
      lock.close()
      throw foreign(error, path)
    }
  }

  [Symbol.dispose] (): void {
    if (this.sqlite.isOpen) this.sqlite.close()
    if (this.#lock.isOpen) this.#lock.close()
  }
}

/** Looks into a database without owning it. Throws NOT_FOUND where there is none, else as `foreign` maps it. */
export function openReadOnly (dir: string, name: string): { sqlite: DatabaseSync, path: string } {
  const path = join(dir, `${name}.db`)
  if (!existsSync(path)) throw new AutoshieldError('NOT_FOUND', `${path} does not exist: name the data folder of a controller with --data.`)
  try {
    return { sqlite: new DatabaseSync(path, { readOnly: true, timeout: 2_000 }), path }
  } catch (error) {
    throw foreign(error, path)
  }
}

const SQLITE_BUSY = 5

/** Makes what is kept in `dir` by that name this process's own until what is returned is closed. Throws UNAVAILABLE where it is another's; `flag` names the folder. */
export function claim (dir: string, name: string, flag = '--data'): DatabaseSync {
  const path = join(dir, `${name}.lock`)
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(path, { timeout: 0 })
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock?.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) {
      throw new AutoshieldError('UNAVAILABLE', `The data folder ${dir} is in use by another AutoShield process: stop that one, or name another folder with ${flag}.`, { cause: error })
    }
    throw foreign(error, path)
  }
}

function openCurrent (path: string, spec: DatabaseSpec): DatabaseSync {
  const sqlite = new DatabaseSync(path, { timeout: 2_000 })
  try {
    // In WAL mode only FULL makes a commit survive a loss of power; NORMAL survives a killed process alone.
    sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    const version = pragma(sqlite, 'user_version')
    const application = pragma(sqlite, 'application_id')
    const fresh = version === 0 && application === 0
    if (!fresh && application !== spec.applicationId) {
      throw new AutoshieldError('BAD_DATA', `${path} is not AutoShield's: it is another program's SQLite file. Name another folder with --data.`)
    }
    if (version > spec.migrations.length) {
      throw new AutoshieldError('BAD_DATA', `${path} has schema version ${version} and this AutoShield knows up to ${spec.migrations.length}: use the newer AutoShield that wrote it, or name another folder with --data.`)
    }
    migrate(sqlite, spec, version)
    return sqlite
  } catch (error) {
    sqlite.close()
    throw error
  }
}

function migrate (sqlite: DatabaseSync, spec: DatabaseSpec, from: number): void {
  for (const [offset, script] of spec.migrations.slice(from).entries()) {
    sqlite.exec(`BEGIN IMMEDIATE; ${script}; PRAGMA application_id = ${spec.applicationId}; PRAGMA user_version = ${from + offset + 1}; COMMIT`)
  }
}

function pragma (sqlite: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(sqlite.prepare(`PRAGMA ${name}`).get()?.[name])
}
