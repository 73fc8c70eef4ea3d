export interface AuditEntry {
  readonly sequence: number
  readonly at: string
  readonly actor: string
  readonly action: string
  readonly object: string
  readonly reason: string
  readonly detail: Readonly<Record<string, unknown>>
  /** sha256 over the previous hash and this entry's canonical JSON. */
  readonly hash: string
}

/** The hash-chained trail of what was decided, done and undone. */
export interface AuditTrail {
  append: (entry: Omit<AuditEntry, 'sequence' | 'at' | 'hash'>) => Promise<AuditEntry>
  /** Newest first; `before` is a sequence, from which a reader goes on. */
  search: (query: { text?: string, actor?: string, action?: string, object?: string, sinceMs?: number, before?: number, limit?: number }) => readonly AuditEntry[]
}
