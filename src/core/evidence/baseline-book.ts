import { STEPS_MS } from '../window/window.ts'
import type { Baseline } from './baseline-entry.ts'
import { forgottenAtMs, usualAmount } from './habits.ts'
import { readHabitName } from './known-for.ts'
import type { Memory } from './memory.ts'
import { FORGET_AFTER_MS, KNOWN_AFTER_HOURS } from './remembering.ts'
import { taughtId, type Taught } from './taught.ts'

/** What is known of whom, as people read it, and what of it they take back. */

const iso = (ms: number): string => new Date(ms).toISOString()

/** All that is known and not forgotten, by id. `of` keeps that which has it as an end. */
export function listBaselines (memory: Pick<Memory, 'pairs' | 'habits' | 'taught'>, nowMs: number, of: string | null): readonly Baseline[] {
  const found = [...uses(memory, nowMs, of), ...habits(memory, nowMs, of), ...taught(memory, nowMs, of)]
  return found.sort((one, other) => one.id < other.id ? -1 : 1)
}

export interface Forgetting {
  /** A workload or an address: all that it is an end of; or a place, `SOURCE>TARGET` with `*` for any. */
  readonly of: string
  /** Null for all. */
  readonly port: number | null
}

/** Forgets what is known of somebody. Gives what that was. */
export function forgetBaselines (memory: Pick<Memory, 'pairs' | 'habits' | 'taught'>, { of, port }: Forgetting, nowMs: number): readonly Baseline[] {
  const found = listBaselines(memory, nowMs, null).filter((entry) => isOf(placeWords(entry), of) && (port === null || entry.port === port))
  for (const { source, target, knownFor, port: used, stepMs, taught: said } of found) {
    const place = placeWords({ source, target })
    if (said !== null) memory.taught.delete(taughtId({ source, target, knownFor, port: used }))
    else if (knownFor === 'use') dropFrom(memory.pairs, place, (pair) => pair.ports, used)
    else dropFrom(memory.habits, place, (held) => held, `${knownFor}${used === null ? '' : `:${used}`}@${stepMs ?? ''}`)
  }
  return found
}

export function entryOf (said: Taught): Baseline {
  const { source, target, knownFor, port, amount, atMs, untilMs, by, reason } = said
  return { id: taughtId(said), source, target, knownFor, port, stepMs: null, amount, hours: 0, known: true, expires: iso(untilMs), taught: { by, at: iso(atMs), reason } }
}

function * uses ({ pairs }: Pick<Memory, 'pairs'>, nowMs: number, of: string | null): Generator<Baseline> {
  for (const [place, { ports }] of pairs) {
    if (!isOf(place, of)) continue
    for (const [port, { hours, lastMs }] of ports) {
      if (nowMs - lastMs > FORGET_AFTER_MS) continue
      yield { id: `${place} use:${port}`, ...endsOf(place), knownFor: 'use', port, stepMs: null, amount: null, hours, known: hours >= KNOWN_AFTER_HOURS, expires: iso(lastMs + FORGET_AFTER_MS), taught: null }
    }
  }
}

function * habits ({ habits: places }: Pick<Memory, 'habits'>, nowMs: number, of: string | null): Generator<Baseline> {
  for (const [place, held] of places) {
    if (!isOf(place, of)) continue
    for (const [name, habit] of held) {
      const read = readHabitName(name)
      const stepMs = STEPS_MS.find((step) => step === read?.stepMs)
      if (read === null || stepMs === undefined || forgottenAtMs(habit) < nowMs) continue
      const amount = usualAmount(habit, nowMs)
      yield { id: `${place} ${name}`, ...endsOf(place), knownFor: read.measure, port: read.port, stepMs, amount, hours: habit.peaks.length, known: amount !== null, expires: iso(forgottenAtMs(habit)), taught: null }
    }
  }
}

function * taught ({ taught: said }: Pick<Memory, 'taught'>, nowMs: number, of: string | null): Generator<Baseline> {
  for (const each of said.values()) if (each.untilMs > nowMs && isOf(placeWords(each), of)) yield entryOf(each)
}

const placeWords = ({ source, target }: Pick<Baseline, 'source' | 'target'>): string => `${source ?? '*'}>${target ?? '*'}`

function endsOf (place: string): { source: string | null, target: string | null } {
  const [source = '*', target = '*'] = place.split('>')
  return { source: source === '*' ? null : source, target: target === '*' ? null : target }
}

/** `*` names nobody. */
const isOf = (place: string, of: string | null): boolean => of === null || place === of || (of !== '*' && place.split('>').includes(of))

/** Takes one thing out of what a place holds, and the place with the last. */
function dropFrom<V, K> (places: Map<string, V>, place: string, heldBy: (value: V) => Map<K, unknown>, name: K | null): void {
  const value = places.get(place)
  if (value === undefined || name === null) return
  const held = heldBy(value)
  held.delete(name)
  if (held.size === 0) places.delete(place)
}
