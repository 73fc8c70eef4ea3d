import { createHash } from 'node:crypto'
import type { AuditEntry } from '../../ports/audit.ts'
import { canonicalJson } from '../../core/canonical-json.ts'

/** What the first entry is chained to. */
export const GENESIS = createHash('sha256').update('autoshield.dev/audit/v1').digest('hex')

/** sha256 over the previous hash and the entry's canonical JSON without its own hash. */
export function chainHash (previous: string, entry: Omit<AuditEntry, 'hash'>): string {
  const { sequence, at, actor, action, object, reason, detail } = entry
  return createHash('sha256').update(previous).update(canonicalJson({ sequence, at, actor, action, object, reason, detail })).digest('hex')
}

/** A row as SQLite gives it: `detail` is canonical JSON text. */
export interface AuditRow extends Omit<AuditEntry, 'detail'> {
  readonly detail: string
}

export function rowOf (row: Record<string, unknown>): AuditRow {
  const text = (column: string): string => String(row[column])
  return {
    sequence: Number(row['sequence']),
    at: text('at'),
    actor: text('actor'),
    action: text('action'),
    object: text('object'),
    reason: text('reason'),
    detail: text('detail'),
    hash: text('hash'),
  }
}

/** The row as an entry; null where `detail` is not the canonical JSON of an object, which we never write. */
export function entryOf (row: AuditRow): AuditEntry | null {
  let detail: unknown
  try {
    detail = JSON.parse(row.detail)
  } catch {
    return null // not JSON: somebody else wrote it
  }
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail) || canonicalJson(detail) !== row.detail) return null
  return { ...row, detail: detail as Readonly<Record<string, unknown>> }
}

/** Entries of the trail itself. */
export const AUDIT_ACTIONS = {
  /** Older entries were let go by retention; `detail` has the sequence and hash of the last of them. */
  pruned: 'audit.pruned',
  /** The head record was gone at a start, so nobody can say whether entries before this one were cut. */
  unproven: 'audit.unproven',
} as const
