import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AutoshieldError } from '../../core/errors.ts'
import { AUDIT_ACTIONS, chainHash, entryOf, GENESIS, rowOf } from './audit-chain.ts'
import { AUDIT_DATABASE, headPath } from './audit-trail.ts'
import { foreign } from './foreign-error.ts'
import { readHead, type Head } from './head-file.ts'

/** `sequence` is the first entry that is wrong or missing. */
export type AuditVerdict =
  | { readonly ok: true, readonly entries: number }
  | { readonly ok: false, readonly sequence: number, readonly what: string }

/**
 * Reads the whole trail, also while a controller writes it. What the chain proves: nobody changed, removed, moved or
 * cut entries without writing both the rest of the table and the head file anew. Whoever can do both, can forge; keep
 * the head elsewhere (it is printed by `audit verify`) to rule that out, too.
 *
 * Throws NOT_FOUND where there is no trail, UNAVAILABLE where it cannot be read.
 */
export function verifyAudit (dir: string): AuditVerdict {
  const path = join(dir, `${AUDIT_DATABASE}.db`)
  if (!existsSync(path)) throw new AutoshieldError('NOT_FOUND', `${path} does not exist: name the data folder of a controller with --data.`)
  // Read before the table: entries that arrive between the two are then only newer than the head, which is allowed.
  const head = readHead(headPath(dir))
  const walked: Head = { sequence: 0, hash: GENESIS }
  let sqlite: DatabaseSync | undefined
  try {
    sqlite = new DatabaseSync(path, { readOnly: true, timeout: 2_000 })
    return walk(sqlite, head, walked)
  } catch (error) {
    const failure = foreign(error, path)
    if (failure.code !== 'BAD_DATA') throw failure
    return broken(walked.sequence + 1, `the file is damaged there: ${failure.message}`)
  } finally {
    sqlite?.close()
  }
}

const broken = (sequence: number, what: string): AuditVerdict => ({ ok: false, sequence, what })

/** Follows the chain; `at` is kept at the last good entry, so that a read error can be placed. */
function walk (sqlite: DatabaseSync, head: Head | null, at: { sequence: number, hash: string }): AuditVerdict {
  const start = startOf(sqlite)
  let [entries, beforeHead, unproven] = [0, start, null as number | null]
  Object.assign(at, start)
  for (const record of sqlite.prepare('SELECT * FROM entry ORDER BY sequence').iterate()) {
    const row = rowOf(record)
    if (row.sequence !== at.sequence + 1) return broken(at.sequence + 1, missing(at.sequence + 1, row.sequence - 1))
    const entry = entryOf(row)
    if (entry === null || chainHash(at.hash, entry) !== row.hash) return broken(row.sequence, 'the entry, or the one before it, was changed: its hash does not follow')
    Object.assign(at, { sequence: row.sequence, hash: row.hash })
    entries++
    if (row.action === AUDIT_ACTIONS.unproven) unproven ??= row.sequence
    if (row.sequence === head?.sequence) beforeHead = { ...at }
  }
  if (head === null) return broken(at.sequence + 1, 'the head record is missing or unreadable, so entries may have been cut off the end')
  if (at.sequence < head.sequence) return broken(at.sequence + 1, missing(at.sequence + 1, head.sequence))
  if (beforeHead.hash !== head.hash && head.sequence > 0) return broken(head.sequence, 'the entry is not the one that was acknowledged: the head record has another hash')
  if (unproven !== null) return broken(unproven, 'the head record was missing when AutoShield started here, so entries before this one may have been cut')
  return { ok: true, entries }
}

/** Where the chain begins: at the start, or at the cut that the newest pruning entry vouches for. */
function startOf (sqlite: DatabaseSync): Head {
  const first = sqlite.prepare('SELECT min(sequence) AS sequence FROM entry').get()?.['sequence']
  if (first === 1 || first === null) return { sequence: 0, hash: GENESIS }
  const row = sqlite.prepare('SELECT * FROM entry WHERE action = ? ORDER BY sequence DESC LIMIT 1').get(AUDIT_ACTIONS.pruned)
  const detail = row === undefined ? undefined : entryOf(rowOf(row))?.detail
  return typeof detail?.['through'] === 'number' && typeof detail['hash'] === 'string'
    ? { sequence: detail['through'], hash: detail['hash'] }
    : { sequence: 0, hash: GENESIS }
}

const missing = (from: number, to: number): string =>
  from === to ? `entry ${from} is missing` : `entries ${from} to ${to} are missing`
