import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { constants, DatabaseSync } from 'node:sqlite'
import { AutoshieldError } from '../../core/errors.ts'
import { claim } from '../store/database.ts'
import { foreign } from '../store/foreign-error.ts'

const FILE = /^[a-z]{1,32}\.[a-z]{1,8}$/
const INCOMING = '.incoming'
const ASIDE = '.superseded'
/** Says that this folder was last written by a leader, which may have had what nobody else has. */
const LED = 'led'
const WAL = ['-wal', '-shm'] as const

export interface DataCopyOptions {
  readonly dir: string
  /** The databases that a leader owns in such a folder. */
  readonly databases: readonly string[]
}

/**
 * The data folder of a replica that follows. It is this process's alone until it is closed. A copy under way lies beside what is there,
 * and takes its place when it is complete. What a leader had written here is put aside then (`NAME.superseded`), for it may be all there
 * is of it.
 */
export class DataCopy implements Disposable {
  readonly #dir: string
  readonly #claims: DatabaseSync[] = []
  readonly #open = new Map<string, DatabaseSync>()
  readonly #incoming: string[] = []
  #file: number | null = null

  /** Throws UNAVAILABLE where another process has the folder. */
  constructor ({ dir, databases }: DataCopyOptions) {
    this.#dir = dir
    try {
      for (const name of databases) this.#claims.push(claim(dir, name))
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  /** Begins a file of a copy. Throws BAD_DATA where that is no name of one. */
  begin (name: string): void {
    if (!FILE.test(name)) throw new AutoshieldError('BAD_DATA', `The leader sent a file called ${JSON.stringify(name)}, which is no name of a file of a data folder.`)
    this.#end()
    this.#incoming.push(name)
    this.#file = openSync(this.#path(`${name}${INCOMING}`), 'w', 0o600)
  }

  write (chunk: Uint8Array): void {
    try {
      if (this.#file !== null) writeSync(this.#file, chunk)
    } catch (error) {
      throw foreign(error, this.#dir)
    }
  }

  /** The copy is complete: it takes the place of what was there. */
  complete (): void {
    this.#end()
    this.#close()
    const keep = existsSync(this.#path(LED)) ? ASIDE : null
    for (const name of this.#incoming.splice(0)) {
      for (const part of [name, ...WAL.map((end) => `${name}${end}`)]) {
        if (keep !== null && existsSync(this.#path(part))) renameSync(this.#path(part), this.#path(`${part}${keep}`))
        else rmSync(this.#path(part), { force: true })
      }
      renameSync(this.#path(`${name}${INCOMING}`), this.#path(name))
      const [database, end] = name.split('.')
      if (database !== undefined && end === 'db') this.#open.set(database, openCopy(this.#path(name)))
    }
    rmSync(this.#path(LED), { force: true })
  }

  /** Makes a change, on the disk when it returns. Changes that are there already are made again in order, and come to the same. */
  apply (database: string, changeset: Uint8Array): void {
    const sqlite = this.#open.get(database)
    if (sqlite === undefined) throw new AutoshieldError('BAD_DATA', `The leader sent a change of ${JSON.stringify(database)}, of which it sent no copy.`)
    try {
      if (!sqlite.applyChangeset(changeset, { onConflict })) throw new AutoshieldError('INTERNAL', `a change of ${database} could not be made`)
    } catch (error) {
      throw foreign(error, join(this.#dir, `${database}.db`))
    }
  }

  [Symbol.dispose] (): void {
    this.#end()
    for (const name of this.#incoming.splice(0)) rmSync(this.#path(`${name}${INCOMING}`), { force: true })
    this.#close()
    for (const one of this.#claims) if (one.isOpen) one.close()
  }

  #close (): void {
    for (const sqlite of this.#open.values()) sqlite.close()
    this.#open.clear()
  }

  #end (): void {
    if (this.#file === null) return
    fsyncSync(this.#file)
    closeSync(this.#file)
    this.#file = null
  }

  #path (name: string): string {
    return join(this.#dir, name)
  }
}

/** Marks the folder as a leader's, before it writes anything. */
export function markLed (dir: string): void {
  writeFileSync(join(dir, LED), '')
}

const ID = 'replica'

/** What tells this folder from others for as long as it is there; made where it is missing. */
export function replicaId (dir: string, newId: () => string): string {
  const path = join(dir, ID)
  try {
    if (!existsSync(path)) writeFileSync(path, newId(), { mode: 0o600 })
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw foreign(error, path)
  }
}

function openCopy (path: string): DatabaseSync {
  const sqlite = new DatabaseSync(path)
  sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  return sqlite
}

/** A row that is there already is replaced, one that has gone already is left out: a copy may have the change. */
const onConflict = (kind: number): number =>
  kind === constants.SQLITE_CHANGESET_DATA || kind === constants.SQLITE_CHANGESET_CONFLICT ? constants.SQLITE_CHANGESET_REPLACE : constants.SQLITE_CHANGESET_OMIT
