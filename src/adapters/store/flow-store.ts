import { addAccount, mergeAccounts, type Account, type Totals } from '../../core/history/accounts.ts'
import { BUCKET_MINUTES, type FlowRecord } from '../../core/history/flow-record.ts'
import { MINUTE_MS } from '../../core/history/sighting.ts'
import type { WatchedPod } from '../../core/history/watched.ts'
import type { Clock } from '../../ports/clock.ts'
import type { FlowLog, FlowQuery, FlowAccount, FlowsKept, PodMinute } from '../../ports/flows.ts'
import { openReadOnly, OwnedDatabase } from './database.ts'
import { FlowEnds } from './flow-ends.ts'
import { foreign } from './foreign-error.ts'
import { FlowTables } from './flow-tables.ts'
import { GroupCommit } from './group-commit.ts'
import { WatchedTable } from './watched-table.ts'

/** How much is kept. The oldest goes first. */
export interface FlowRetention {
  readonly keptMs: number
  readonly rows: number
  readonly bytes: number
}
export const FLOW_RETENTION: FlowRetention = { keptMs: 24 * 3_600_000, rows: 2_000_000, bytes: 256 * 1024 * 1024 }

const FLOW_DATABASE = 'flows'
/** A minute is folded when its accounts have had so long to come: both ends send them within seconds of its end. */
const SETTLED_MINUTES = 3
/** Accounts in one transaction: some 10 ms of the event loop. */
const CHUNK = 2_000

const MIGRATIONS = [`
  CREATE TABLE end (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, uid TEXT NOT NULL, namespace TEXT NOT NULL, value TEXT NOT NULL, used INTEGER NOT NULL) STRICT;
  CREATE INDEX end_uid ON end (uid);
  CREATE INDEX end_namespace ON end (namespace);
  -- What each witness told of the newest minutes.
  CREATE TABLE account (
    minute INTEGER NOT NULL, source INTEGER NOT NULL, destination INTEGER NOT NULL, protocol INTEGER NOT NULL, port INTEGER NOT NULL, witness INTEGER NOT NULL,
    begun INTEGER NOT NULL, carried INTEGER NOT NULL, failed INTEGER NOT NULL, sent INTEGER NOT NULL, received INTEGER NOT NULL,
    PRIMARY KEY (minute, source, destination, protocol, port, witness)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX account_destination ON account (minute, destination);
  -- What it came to, merged, by bucket of some minutes.
  CREATE TABLE flow (
    source INTEGER NOT NULL, destination INTEGER NOT NULL, protocol INTEGER NOT NULL, port INTEGER NOT NULL, bucket INTEGER NOT NULL, witness INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL,
    begun INTEGER NOT NULL, carried INTEGER NOT NULL, failed INTEGER NOT NULL, sent INTEGER NOT NULL, received INTEGER NOT NULL,
    PRIMARY KEY (source, destination, protocol, port, bucket)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX flow_destination ON flow (destination);
  CREATE INDEX flow_bucket ON flow (bucket);
  CREATE TABLE lost (reason TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT`, `
  -- Pods of each hour, and in how many of its minutes they were there and observed; \`last\`: the newest minute that is counted.
  CREATE TABLE watched (
    hour INTEGER NOT NULL, namespace TEXT NOT NULL, uid TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, minutes INTEGER NOT NULL, observed INTEGER NOT NULL,
    PRIMARY KEY (hour, namespace, uid)
  ) STRICT, WITHOUT ROWID`]

/**
 * The flows of `DIR/flows.db`. Accounts of the newest minutes lie apart until both ends have told theirs; then they are merged and
 * folded into buckets of five minutes. The same account twice changes nothing, so what is sent again counts once.
 */
export class FlowStore implements FlowLog, Disposable {
  readonly #owned: OwnedDatabase
  readonly #commits: GroupCommit
  readonly #tables: FlowTables
  readonly #ends: FlowEnds
  readonly #watched: WatchedTable
  readonly #clock: Clock
  readonly #retention: FlowRetention
  #folding: Promise<void> | null = null

  /** Throws as `OwnedDatabase.open` does. */
  constructor (dir: string, { clock, retention = {} }: { readonly clock: Clock, readonly retention?: Partial<FlowRetention> }) {
    this.#owned = OwnedDatabase.open({ dir, name: FLOW_DATABASE, applicationId: 0x41534631, migrations: MIGRATIONS })
    // History of traffic may lose its last seconds with the power; decisions may not, and they lie in another file.
    this.#owned.sqlite.exec('PRAGMA synchronous = NORMAL')
    const [tables, ends] = [new FlowTables(this.#owned.sqlite), new FlowEnds(this.#owned.sqlite)]
    this.#tables = tables
    this.#ends = ends
    this.#watched = new WatchedTable(this.#owned.sqlite)
    this.#commits = new GroupCommit(this.#owned.sqlite, this.#owned.path, {
      afterRollback: () => {
        tables.recount()
        ends.reload()
      },
    })
    this.#clock = clock
    this.#retention = { ...FLOW_RETENTION, ...retention }
  }

  async record (accounts: readonly FlowAccount[]): Promise<void> {
    for (let from = 0; from < accounts.length; from += CHUNK) {
      await this.#commits.run(() => {
        let unplaced = 0
        for (const { source, destination, ...account } of accounts.slice(from, from + CHUNK)) {
          const [sourceId, destinationId] = [this.#ends.idOf(source, account.minute), this.#ends.idOf(destination, account.minute)]
          if (sourceId === null || destinationId === null) unplaced++
          else this.#tables.putAccount({ ...account, source: sourceId, destination: destinationId })
        }
        if (unplaced > 0) this.#tables.lose('ends', unplaced)
      })
    }
  }

  async watch (minute: number, pods: readonly PodMinute[]): Promise<void> {
    for (let from = 0; from < pods.length; from += CHUNK) {
      await this.#commits.run(() => { for (const pod of pods.slice(from, from + CHUNK)) this.#watched.count(minute, pod) })
    }
  }

  watched (query: Parameters<FlowLog['watched']>[0]): readonly WatchedPod[] {
    return readWatched(this.#owned.path, this.#watched, query)
  }

  /** One at a time; a second call waits for the first and does nothing more. */
  async settle (): Promise<void> {
    this.#folding ??= this.#fold().finally(() => { this.#folding = null })
    await this.#folding
  }

  records (query: FlowQuery): readonly FlowRecord[] {
    return readRecords(this.#owned.path, this.#tables, this.#ends, query)
  }

  kept (): FlowsKept {
    return this.#tables.kept()
  }

  [Symbol.dispose] (): void {
    this.#commits[Symbol.dispose]()
    this.#owned[Symbol.dispose]()
  }

  async #fold (): Promise<void> {
    const nowMinute = Math.floor(this.#clock.now() / MINUTE_MS)
    while (await this.#commits.run(() => this.#foldChunk(nowMinute - SETTLED_MINUTES)));
    const oldest = nowMinute - Math.ceil(this.#retention.keptMs / MINUTE_MS)
    await this.#commits.run(() => {
      this.#tables.dropBefore(oldest)
      this.#watched.dropBefore(oldest)
      this.#ends.dropUnusedSince(oldest - 2 * BUCKET_MINUTES)
    })
    while (this.#tables.kept().rows > this.#retention.rows || this.#tables.bytes > this.#retention.bytes) {
      if (!await this.#commits.run(() => this.#tables.dropOldestBucket())) return
    }
  }

  /** Whether there is more. */
  #foldChunk (until: number): boolean {
    const accounts = this.#tables.oldestAccounts(until, CHUNK)
    for (const account of mergeAccounts(accounts)) this.#tables.foldAccount(account)
    this.#tables.forget(accounts)
    return accounts.length > 0
  }
}

/** What is in `DIR/flows.db` now, also while a controller owns it. Throws NOT_FOUND where there is none. */
export function readFlows (dir: string): Pick<FlowLog, 'records' | 'kept' | 'watched'> & Disposable {
  const { sqlite, path } = openReadOnly(dir, FLOW_DATABASE)
  const [tables, ends, watched] = [new FlowTables(sqlite), new FlowEnds(sqlite), new WatchedTable(sqlite)]
  // Nobody has brought a file of an older AutoShield up to date.
  const isThere = sqlite.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get('watched') !== undefined
  return { watched: (query) => isThere ? readWatched(path, watched, query) : [], records: (query) => readRecords(path, tables, ends, query), kept: () => tables.kept(), [Symbol.dispose]: () => sqlite.close() }
}

function readRecords (path: string, tables: FlowTables, ends: FlowEnds, query: FlowQuery): FlowRecord[] {
  try {
    const range = { from: Math.floor(query.sinceMs / MINUTE_MS), to: query.untilMs === undefined ? Number.MAX_SAFE_INTEGER : Math.floor(query.untilMs / MINUTE_MS), ends: ends.matching(query) }
    const totals = new Map<string, Totals>()
    for (const total of tables.totals(range)) totals.set(idOf(total), total)
    for (const account of mergeAccounts(tables.accounts(range))) totals.set(idOf(account), addAccount(totals.get(idOf(account)), account))
    return [...totals.values()].map(({ source, destination, firstMinute, lastMinute, ...counts }) => ({
      ...counts, source: ends.get(source), destination: ends.get(destination), firstMs: firstMinute * MINUTE_MS, lastMs: (lastMinute + 1) * MINUTE_MS,
    }))
  } catch (error) {
    throw foreign(error, path)
  }
}

function readWatched (path: string, table: WatchedTable, query: Parameters<FlowLog['watched']>[0]): readonly WatchedPod[] {
  try {
    return table.pods(query)
  } catch (error) {
    throw foreign(error, path)
  }
}

const idOf = ({ source, destination, protocol, port }: Pick<Account, 'source' | 'destination' | 'protocol' | 'port'>): string => `${source} ${destination} ${protocol} ${port}`
