import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { MINUTE_MS } from '../../core/history/sighting.ts'
import type { WatchedPod } from '../../core/history/watched.ts'
import type { FlowLog, PodMinute } from '../../ports/flows.ts'

const HOUR_MINUTES = 60
/** Rows, of some 100 bytes: a day of 20,000 pods. Beyond it the oldest hours go. */
const MOST_ROWS = 500_000

/** In how many minutes of each hour pods were there and observed. Statements throw what SQLite throws. */
export class WatchedTable {
  readonly #sqlite: DatabaseSync
  #count: StatementSync | null = null

  constructor (sqlite: DatabaseSync) {
    this.#sqlite = sqlite
  }

  /** A minute that is not after the newest is counted already. */
  count (minute: number, { uid, namespace, observed }: PodMinute): void {
    this.#count ??= this.#sqlite.prepare(`INSERT INTO watched VALUES (?1, ?2, ?3, ?4, ?4, 1, ?5)
      ON CONFLICT DO UPDATE SET last = ?4, minutes = minutes + 1, observed = observed + ?5 WHERE last < ?4`)
    this.#count.run(minute - minute % HOUR_MINUTES, namespace, uid, minute, observed ? 1 : 0)
  }

  dropBefore (minute: number): void {
    this.#sqlite.prepare('DELETE FROM watched WHERE hour < ?').run(minute - minute % HOUR_MINUTES)
    while (Number(this.#sqlite.prepare('SELECT count(*) AS count FROM watched').get()?.['count']) > MOST_ROWS) this.#sqlite.exec('DELETE FROM watched WHERE hour = (SELECT min(hour) FROM watched)')
  }

  pods ({ namespace, sinceMs, untilMs }: Parameters<FlowLog['watched']>[0]): WatchedPod[] {
    return this.#sqlite.prepare('SELECT uid, min(first) AS first, sum(minutes) AS minutes, sum(observed) AS observed FROM watched WHERE namespace = ? AND last >= ? AND first < ? GROUP BY uid ORDER BY uid')
      .all(namespace, Math.floor(sinceMs / MINUTE_MS), untilMs === undefined ? Number.MAX_SAFE_INTEGER : Math.floor(untilMs / MINUTE_MS))
      .map((row) => ({ uid: String(row['uid']), sinceMs: Number(row['first']) * MINUTE_MS, minutes: Number(row['minutes']), observed: Number(row['observed']) }))
  }
}
