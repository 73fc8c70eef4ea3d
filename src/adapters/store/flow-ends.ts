import { createHash } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../../core/errors.ts'
import { FlowEnd } from '../../core/history/flow-record.ts'
import type { FlowQuery } from '../../ports.ts'

/** Ends that are kept at one time, some 500 bytes each; flows of further ones are counted as lost. */
const MAX_ENDS = 100_000
/** How often it is written that an end is still in use, in minutes. */
const USED_EVERY = 60

const valid = Compile(FlowEnd)

interface Known { readonly id: number, used: number }

/** Pods as they were, and addresses outside, by number. A pod whose labels or address changed is another end. */
export class FlowEnds {
  readonly #known = new Map<string, Known>()
  readonly #read = new Map<number, FlowEnd>()
  readonly #one: StatementSync
  readonly #sqlite: DatabaseSync

  constructor (sqlite: DatabaseSync) {
    this.#sqlite = sqlite
    this.#one = sqlite.prepare('SELECT value FROM end WHERE id = ?')
    for (const row of sqlite.prepare('SELECT id, key, used FROM end').all()) this.#known.set(String(row['key']), { id: Number(row['id']), used: Number(row['used']) })
  }

  /** Null where there is no room for another. */
  idOf (end: FlowEnd, minute: number): number | null {
    const key = keyOf(end)
    const known = this.#known.get(key)
    if (known !== undefined) {
      if (minute - known.used >= USED_EVERY) {
        known.used = minute
        this.#sqlite.prepare('UPDATE end SET used = ? WHERE id = ?').run(minute, known.id)
      }
      return known.id
    }
    if (this.#known.size >= MAX_ENDS) return null
    const { lastInsertRowid } = this.#sqlite.prepare('INSERT INTO end (key, uid, namespace, value, used) VALUES (?, ?, ?, ?, ?)')
      .run(key, end.pod?.uid ?? '', end.pod?.namespace ?? '', JSON.stringify(end), minute)
    this.#known.set(key, { id: Number(lastInsertRowid), used: minute })
    return Number(lastInsertRowid)
  }

  /** Throws BAD_DATA for one that is missing or damaged. */
  get (id: number): FlowEnd {
    const known = this.#read.get(id)
    if (known !== undefined) return known
    const value: unknown = JSON.parse(String(this.#one.get(id)?.['value'] ?? 'null'))
    if (!valid.Check(value)) throw new AutoshieldError('BAD_DATA', `The end ${id} of a recorded flow cannot be understood: move flows.db away, and recording begins anew.`)
    if (this.#read.size >= MAX_ENDS) this.#read.clear()
    this.#read.set(id, value)
    return value
  }

  /** Numbers of the ends that a query asks for; null for all. */
  matching ({ pods, namespace }: FlowQuery): number[] | null {
    if (pods === undefined && namespace === undefined) return null
    const rows = pods === undefined
      ? this.#sqlite.prepare('SELECT id FROM end WHERE namespace = ?').all(namespace ?? '')
      : this.#sqlite.prepare('SELECT id FROM end WHERE uid IN (SELECT value FROM json_each(?))').all(JSON.stringify(pods))
    return rows.map((row) => Number(row['id']))
  }

  /** Forgets those that no flow that is kept has. */
  dropUnusedSince (minute: number): void {
    for (const [key, { id, used }] of this.#known) {
      if (used + USED_EVERY >= minute) continue
      this.#sqlite.prepare('DELETE FROM end WHERE id = ?').run(id)
      this.#known.delete(key)
      this.#read.delete(id)
    }
  }
}

const keyOf = ({ address, pod }: FlowEnd): string =>
  pod === null ? address : `${pod.uid} ${address} ${createHash('sha256').update(JSON.stringify([Object.entries(pod.labels).sort(), pod.workload, pod.node, pod.ports])).digest('base64url').slice(0, 22)}`
