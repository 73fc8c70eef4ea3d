import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Account, Totals } from '../../core/history/accounts.ts'
import { BUCKET_MINUTES } from '../../core/history/flow-record.ts'
import { MINUTE_MS, WITNESSES } from '../../core/history/sighting.ts'
import type { FlowsKept } from '../../ports/flows.ts'

/** Minutes from `from` on and before `to`; `ends`: only flows with one of these ends, all for null. */
export interface FlowRange {
  readonly from: number
  readonly to: number
  readonly ends: readonly number[] | null
}

/** Rows of flows, by the numbers of their ends. Statements throw what SQLite throws. */
export class FlowTables {
  readonly #sqlite: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  #rows = 0

  constructor (sqlite: DatabaseSync) {
    this.#sqlite = sqlite
    this.recount()
  }

  /** To be called after a transaction was rolled back. */
  recount (): void {
    this.#rows = count(this.#sqlite.prepare('SELECT count(*) AS count FROM flow').get())
  }

  /** Bytes of the file that are in use. */
  get bytes (): number {
    const pragma = (name: string): number => Number(this.#sql(`PRAGMA ${name}`).get()?.[name])
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
  }

  /** An observer that sends a minute again, or that begins anew within it, tells at most what it has told: the most counts. */
  putAccount ({ minute, source, destination, protocol, port, witness, begun, carried, failed, bytesSent, bytesReceived }: Account): void {
    this.#sql(`INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
      begun = max(begun, excluded.begun), carried = max(carried, excluded.carried), failed = max(failed, excluded.failed),
      sent = max(sent, excluded.sent), received = max(received, excluded.received)`)
      .run(minute, source, destination, protocol, port, WITNESSES.indexOf(witness), begun, carried, failed, bytesSent, bytesReceived)
  }

  /** The accounts of the oldest minute up to `until`, at most some `limit`, but all of two ends and a protocol that has one among them. */
  oldestAccounts (until: number, limit: number): Account[] {
    const rows = this.#sql('SELECT * FROM account WHERE minute = (SELECT min(minute) FROM account) AND minute <= ? ORDER BY minute, source, destination, protocol LIMIT ?').all(until, limit)
    const accounts = rows.map(accountOf)
    const last = accounts.at(-1)
    if (last === undefined || accounts.length < limit) return accounts
    const rest = this.#sql('SELECT * FROM account WHERE minute = ? AND source = ? AND destination = ? AND protocol = ?').all(last.minute, last.source, last.destination, last.protocol).map(accountOf)
    return [...accounts.filter((account) => !isOneWith(account, last)), ...rest]
  }

  /** Adds a minute to its bucket. One that is not after what the bucket has, has been counted, or came too late to be compared. */
  foldAccount ({ minute, source, destination, protocol, port, witness, begun, carried, failed, bytesSent, bytesReceived }: Account): void {
    const bucket = minute - minute % BUCKET_MINUTES
    const made = this.#sql('INSERT INTO flow VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
      .run(source, destination, protocol, port, bucket, WITNESSES.indexOf(witness), minute, minute, begun, carried, failed, bytesSent, bytesReceived)
    if (made.changes === 1) {
      this.#rows++
      return
    }
    const { changes } = this.#sql(`UPDATE flow SET last = ?1, witness = ?2, begun = begun + ?3, failed = failed + ?4, sent = sent + ?5, received = received + ?6
      WHERE source = ?7 AND destination = ?8 AND protocol = ?9 AND port = ?10 AND bucket = ?11 AND last < ?1`)
      .run(minute, WITNESSES.indexOf(witness), begun, failed, bytesSent, bytesReceived, source, destination, protocol, port, bucket)
    if (changes === 0) this.lose('late', 1)
  }

  forget (accounts: readonly Account[]): void {
    const remove = this.#sql('DELETE FROM account WHERE minute = ? AND source = ? AND destination = ? AND protocol = ? AND port = ? AND witness = ?')
    for (const { minute, source, destination, protocol, port, witness } of accounts) remove.run(minute, source, destination, protocol, port, WITNESSES.indexOf(witness))
  }

  dropBefore (minute: number): void {
    this.#rows -= Number(this.#sql('DELETE FROM flow WHERE bucket < ?').run(minute - minute % BUCKET_MINUTES).changes)
  }

  /** For want of room; false where there is none. */
  dropOldestBucket (): boolean {
    const changes = Number(this.#sql('DELETE FROM flow WHERE bucket = (SELECT min(bucket) FROM flow)').run().changes)
    this.#rows -= changes
    if (changes > 0) this.lose('room', changes)
    return changes > 0
  }

  lose (reason: keyof FlowsKept['lost'], more: number): void {
    this.#sql('INSERT INTO lost VALUES (?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count').run(reason, more)
  }

  kept (): FlowsKept {
    const lost = new Map(this.#sql('SELECT reason, count FROM lost').all().map((row) => [String(row['reason']), count(row)]))
    const oldest = this.#sql('SELECT min(minute) AS minute FROM (SELECT min(bucket) AS minute FROM flow UNION ALL SELECT min(minute) FROM account)').get()?.['minute']
    return {
      rows: this.#rows,
      sinceMs: oldest === null || oldest === undefined ? null : Number(oldest) * MINUTE_MS,
      lost: { room: lost.get('room') ?? 0, late: lost.get('late') ?? 0, ends: lost.get('ends') ?? 0 },
    }
  }

  /** Of folded minutes; a bucket that reaches into the range counts wholly. */
  totals ({ from, to, ends }: FlowRange): Totals[] {
    // What was open at first is what the first bucket carried: the least of the buckets, each with its number before it.
    return this.#sql(`SELECT source, destination, protocol, port, max(witness) AS witness, min(first) AS first, max(last) AS last, sum(begun) AS begun,
        min((bucket << 32) + min(carried, 0xffffffff)) & 0xffffffff AS carried, sum(failed) AS failed, sum(sent) AS sent, sum(received) AS received
      FROM ${ends === null ? 'flow' : '(SELECT * FROM flow WHERE source IN (SELECT value FROM json_each(?)) UNION SELECT * FROM flow WHERE destination IN (SELECT value FROM json_each(?)))'}
      WHERE last >= ? AND bucket < ? GROUP BY source, destination, protocol, port`).all(...given(ends), from, to).map((row) => {
      const { minute: _, ...account } = accountOf(row)
      return { ...account, firstMinute: Number(row['first']), lastMinute: Number(row['last']) }
    })
  }

  /** Of minutes that are not folded yet, oldest first. */
  accounts ({ from, to, ends }: FlowRange): Account[] {
    const accounts: Account[] = []
    for (let minute = this.#unfoldedFrom(from); minute !== null && minute < to; minute = this.#unfoldedFrom(minute + 1)) {
      const rows = ends === null
        ? this.#sql('SELECT * FROM account WHERE minute = ?').all(minute)
        : this.#sql(`SELECT * FROM account WHERE minute = ?1 AND source IN (SELECT value FROM json_each(?2))
            UNION SELECT * FROM account WHERE minute = ?1 AND destination IN (SELECT value FROM json_each(?2))`).all(minute, JSON.stringify(ends))
      for (const row of rows) accounts.push(accountOf(row))
    }
    return accounts
  }

  #unfoldedFrom (minute: number): number | null {
    const next = this.#sql('SELECT min(minute) AS next FROM account WHERE minute >= ?').get(minute)?.['next']
    return next === null || next === undefined ? null : Number(next)
  }

  /** Prepared once. */
  #sql (text: string): StatementSync {
    let statement = this.#statements.get(text)
    if (statement === undefined) this.#statements.set(text, statement = this.#sqlite.prepare(text))
    return statement
  }
}

const given = (ends: FlowRange['ends']): string[] => ends === null ? [] : [JSON.stringify(ends), JSON.stringify(ends)]
const count = (row: Record<string, unknown> | undefined): number => Number(row?.['count'])

const isOneWith = (one: Account, other: Account): boolean => one.source === other.source && one.destination === other.destination && one.protocol === other.protocol

const accountOf = (row: Record<string, unknown>): Account => ({
  minute: Number(row['minute']),
  source: Number(row['source']),
  destination: Number(row['destination']),
  protocol: Number(row['protocol']),
  port: Number(row['port']),
  witness: WITNESSES[Number(row['witness'])] ?? 'source',
  begun: Number(row['begun']),
  carried: Number(row['carried']),
  failed: Number(row['failed']),
  bytesSent: Number(row['sent']),
  bytesReceived: Number(row['received']),
})
