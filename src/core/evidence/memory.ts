import type { WindowKey } from '../window/window.ts'
import type { Habit } from './habits.ts'
import { FORGET_AFTER_MS, HOUR_MS, KNOWN_AFTER_HOURS, type NameOf } from './remembering.ts'
import type { Taught } from './taught.ts'

/** One responder port of a pair. */
interface PortPast {
  readonly firstMs: number
  lastMs: number
  /** Clock hours in which it was used and nobody suspected the pair, up to KNOWN_AFTER_HOURS. */
  hours: number
  /** The newest of them: Unix time / 1 h. */
  hour: number
}

export interface PairPast {
  readonly firstMs: number
  /** By responder port. */
  readonly ports: Map<number, PortPast>
  /** Since when one of its ends was watched, Unix ms. */
  readonly watchedSinceMs: number
}

export interface PastAttack {
  readonly className: string
  /** Who did it; null where nobody known did. */
  readonly source: string | null
  readonly atMs: number
}

/** What is remembered between scores. Bounded: what was quiet longest goes first, and is counted. Only the functions of this file change it. */
export interface Memory {
  readonly pairs: Map<string, PairPast>
  /** Since when an end is watched, Unix ms. */
  readonly watched: Map<string, number>
  /** The newest attack on an address. */
  readonly attacks: Map<string, PastAttack>
  /** What pairs and workloads are known for (known-for.ts). */
  readonly habits: Map<string, Map<string, Habit>>
  /** What people said that they are known for, by id. */
  readonly taught: Map<string, Taught>
  evicted: number
}

const MAX_PAIRS = 20_000
const MAX_ENDS = 20_000
const MAX_ATTACKS = 5_000
const MAX_PORTS = 16

export const emptyMemory = (): Memory => ({ pairs: new Map(), watched: new Map(), attacks: new Map(), habits: new Map(), taught: new Map(), evicted: 0 })

export interface Seen {
  readonly key: WindowKey
  readonly ports: readonly { readonly port: number }[]
  /** First packet in the window, Unix ms. */
  readonly atMs: number
}

/** Takes in that a window was seen. Gives what is remembered of its pair, this window included; null for a key that is no pair. */
export function see (memory: Memory, { key, ports, atMs }: Seen, nameOf: NameOf): PairPast | null {
  const ends = [key.kind === 'fan-in' ? null : nameOf(key.source), key.kind === 'fan-out' ? null : nameOf(key.destination)]
  for (const end of ends) if (end !== null) watch(memory, end, atMs)
  if (key.kind !== 'pair') return null
  const at = placeOf(key, nameOf)
  const known = memory.pairs.get(at)
  const sinceMs = Math.min(...ends.map((end) => memory.watched.get(end ?? '') ?? atMs))
  const past = known ?? { firstMs: atMs, ports: new Map<number, PortPast>(), watchedSinceMs: sinceMs }
  for (const { port } of ports) {
    const use = past.ports.get(port)
    past.ports.delete(port)
    past.ports.set(port, use === undefined || atMs - use.lastMs > FORGET_AFTER_MS ? { firstMs: atMs, lastMs: atMs, hours: 0, hour: -1 } : { ...use, lastMs: Math.max(use.lastMs, atMs) })
  }
  while (past.ports.size > MAX_PORTS) dropOldest(past.ports)
  put(memory, memory.pairs, at, past, MAX_PAIRS)
  return past
}

/** Takes in that nobody suspects what a pair did in a window. */
export function trust (memory: Memory, { key, ports, atMs }: Seen, nameOf: NameOf): void {
  if (key.kind !== 'pair') return
  const past = memory.pairs.get(placeOf(key, nameOf))
  const hour = Math.floor(atMs / HOUR_MS)
  for (const { port } of ports) {
    const use = past?.ports.get(port)
    if (use === undefined || use.hour === hour) continue
    use.hour = hour
    use.hours = Math.min(use.hours + 1, KNOWN_AFTER_HOURS)
  }
}

/** Takes in that an address was attacked. */
export function noteAttack (memory: Memory, address: string, attack: PastAttack): void {
  put(memory, memory.attacks, address, attack, MAX_ATTACKS)
}

const placeOf = (key: WindowKey & { kind: 'pair' }, nameOf: NameOf): string => `${nameOf(key.source)}>${nameOf(key.destination)}`

function watch (memory: Memory, end: string, atMs: number): void {
  put(memory, memory.watched, end, Math.min(memory.watched.get(end) ?? atMs, atMs), MAX_ENDS)
}

/** Keeps a value as the newest; the oldest goes for it where there are too many, and is counted. */
export function put<V> (memory: Pick<Memory, 'evicted'>, map: Map<string, V>, at: string, value: V, most: number): void {
  map.delete(at)
  map.set(at, value)
  if (map.size <= most) return
  dropOldest(map)
  memory.evicted++
}

function dropOldest (map: Map<unknown, unknown>): void {
  const oldest = map.keys().next()
  if (oldest.done !== true) map.delete(oldest.value)
}
