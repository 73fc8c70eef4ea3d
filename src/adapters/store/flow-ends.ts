import { createHash } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { Compile } from 'typebox/compile'
import { AutoshieldError } from '../../core/errors.ts'
import { FlowEnd } from '../../core/history/flow-record.ts'
import type { FlowQuery } from '../../ports/flows.ts'

/** Ends that are kept at one time, some 500 bytes each; flows of further ones are counted as lost. */
const MAX_ENDS = 100_000
/** How often it is written that an end is still in use, in minutes. */
const USED_EVERY = 60

const valid = Compile(FlowEnd)

interface Known { readonly id: number, used: number, forgotten: boolean }

/** Pods as they were, and addresses outside, by number. A pod whose labels or address changed is another end. */
export class FlowEnds {
  readonly #known = new Map<string, Known>()
  /** The same object is met again and again; its key takes a hash. */
  readonly #met = new WeakMap<FlowEnd, Known>()
  readonly #read = new Map<number, FlowEnd>()
  readonly #one: StatementSync
  readonly #sqlite: DatabaseSync

  constructor (sqlite: DatabaseSync) {
    this.#sqlite = sqlite
    this.#one = sqlite.prepare('SELECT value FROM end WHERE id = ?')
    this.reload()
  }

  /** Knows what is stored and nothing else: to be called after a transaction was rolled back. */
  reload (): void {
    for (const known of this.#known.values()) known.forgotten = true
    this.#known.clear()
    this.#read.clear()
    for (const row of this.#sqlite.prepare('SELECT id, key, used FROM end').all()) this.#known.set(String(row['key']), { id: Number(row['id']), used: Number(row['used']), forgotten: false })
  }

  /** Null where there is no room for another. */
  idOf (end: FlowEnd, minute: number): number | null {
    const met = this.#met.get(end)
    const known = met === undefined || met.forgotten ? this.#find(end, minute) : met
    if (known === null) return null
    if (known !== met) this.#met.set(end, known)
    if (minute - known.used >= USED_EVERY) {
      known.used = minute
      this.#sqlite.prepare('UPDATE end SET used = ? WHERE id = ?').run(minute, known.id)
    }
    return known.id
  }

  #find (end: FlowEnd, minute: number): Known | null {
    const key = keyOf(end)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (this.#known.size >= MAX_ENDS) return null
    const { lastInsertRowid } = this.#sqlite.prepare('INSERT INTO end (key, uid, namespace, value, used) VALUES (?, ?, ?, ?, ?)')
      .run(key, end.pod?.uid ?? '', end.pod?.namespace ?? '', JSON.stringify(end), minute)
    const made = { id: Number(lastInsertRowid), used: minute, forgotten: false }
    this.#known.set(key, made)
    return made
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
    for (const [key, known] of this.#known) {
      const { id, used } = known
      if (used + USED_EVERY >= minute) continue
      known.forgotten = true
      this.#sqlite.prepare('DELETE FROM end WHERE id = ?').run(id)
      this.#known.delete(key)
      this.#read.delete(id)
    }
  }
}

const keyOf = ({ address, pod, service }: FlowEnd): string => {
  if (pod === null) return service === null ? address : `${address} ${digest(service)}`
  const { uid, labels, namespaceLabels, workload, node, ports } = pod
  return `${uid} ${address} ${digest([Object.entries(labels).sort(), Object.entries(namespaceLabels).sort(), workload, node, ports])}`
}

const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22)
