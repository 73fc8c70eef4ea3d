import { keyId, type StepMs, type WindowKey } from '../window/window.ts'
import { LEAST_AMOUNT, MEASURES, type Amount, type Measure } from './measure.ts'
import type { Facts } from './facts.ts'
import { learnAmount, newHabit, usualAmount, type Habit } from './habits.ts'
import { put, type Memory, type PairPast } from './memory.ts'
import { KNOWN_AFTER_HOURS, type NameOf } from './remembering.ts'

const MAX_PLACES = 20_000
/** Of one pair or workload, at all steps. */
const MAX_HABITS = 24

/** Up to so many times its usual is usual; from so many on it is beyond it. */
const WITHIN = 1.5
const BEYOND = 5

/** A key under the names that its ends are remembered by: `SOURCE>DESTINATION`, with `*` for any. */
export function placeOf (key: WindowKey, nameOf: NameOf): string {
  switch (key.kind) {
    case 'pair': return keyId({ kind: 'pair', source: nameOf(key.source), destination: nameOf(key.destination) })
    case 'fan-out': return keyId({ kind: 'fan-out', source: nameOf(key.source) })
    case 'fan-in': return keyId({ kind: 'fan-in', destination: nameOf(key.destination) })
  }
}

/** Each step has a span of its own, and so what is usual in it. */
export const habitName = (measure: Measure, port: number | null, stepMs: StepMs): string => `${measure}${port === null ? '' : `:${port}`}@${stepMs}`

/** What a name says; null where it is another version's. */
export function readHabitName (name: string): { readonly measure: Measure, readonly port: number | null, readonly stepMs: number } | null {
  const [, said, port, stepMs] = /^(\w+)(?::(\d+))?@(\d+)$/.exec(name) ?? []
  const measure = MEASURES.find((each) => each === said)
  return measure === undefined ? null : { measure, port: port === undefined ? null : Number(port), stepMs: Number(stepMs) }
}

interface Scored { readonly key: WindowKey, readonly stepMs: StepMs, readonly atMs: number }

/** Takes in what nobody suspects that a key did. */
export function learnHabits (memory: Pick<Memory, 'habits' | 'evicted'>, { key, stepMs, atMs }: Scored, amounts: readonly Amount[], nameOf: NameOf): void {
  if (amounts.length === 0) return
  const place = placeOf(key, nameOf)
  const habits = memory.habits.get(place) ?? new Map<string, Habit>()
  for (const { measure, port, amount } of amounts) {
    const name = habitName(measure, port, stepMs)
    const habit = habits.get(name) ?? newHabit()
    learnAmount(habit, amount, atMs)
    habits.delete(name)
    habits.set(name, habit)
  }
  for (const name of [...habits.keys()].slice(0, -MAX_HABITS)) habits.delete(name)
  put(memory, memory.habits, place, habits, MAX_PLACES)
}

/**
 * What is usual of a measure for a key. A pair that is known and never came to enough to be known for it usually does nothing of it.
 *
 *     a person said so | habit is known | the pair's use is known | usual
 *     yes              | yes            | -                       | the more of both
 *     yes              | no             | -                       | what the person said
 *     no               | yes            | -                       | what it came to in four different hours
 *     no               | no             | yes                     | 0
 *     no               | no             | no                      | null: who knows
 */
export function usualOfKey (memory: Pick<Memory, 'habits'>, { key, stepMs, atMs }: Scored, past: PairPast | null, nameOf: NameOf, taught: Facts['taught']): (measure: Measure, port?: number | null) => number | null {
  const habits = memory.habits.get(placeOf(key, nameOf))
  return (measure, port = null) => {
    const habit = habits?.get(habitName(measure, port, stepMs))
    const usual = habit === undefined ? null : usualAmount(habit, atMs)
    const said = taught(measure, port)
    if (usual !== null || said !== null) return Math.max(usual ?? 0, said ?? 0)
    const uses = past === null ? [] : [...past.ports].filter(([used]) => port === null || used === port)
    return uses.some(([, { hours }]) => hours >= KNOWN_AFTER_HOURS) ? 0 : null
  }
}

export type Standing = 'unknown' | 'usual' | 'more' | 'beyond'

/** How an amount stands beside what is usual. What is too little to be known for is never more than usual. */
export function standingOf (measure: Measure, amount: number, usual: number | null): Standing {
  if (usual === null) return 'unknown'
  if (amount <= WITHIN * usual) return 'usual'
  const least = Math.max(usual, LEAST_AMOUNT[measure])
  return amount >= BEYOND * least ? 'beyond' : amount > WITHIN * least ? 'more' : 'unknown'
}
