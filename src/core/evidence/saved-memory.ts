import { Type, type Static } from 'typebox'
import type { Memory } from './memory.ts'
import { Taught, taughtId } from './taught.ts'

const End = Type.String({ description: 'An address, or NAMESPACE/KIND/NAME of a workload.' })

export const SavedMemory = Type.Object({
  pairs: Type.Array(Type.Object({
    /** `SOURCE>DESTINATION`. */
    at: Type.String(),
    firstMs: Type.Number(),
    watchedSinceMs: Type.Number(),
    ports: Type.Array(Type.Object({ port: Type.Integer(), firstMs: Type.Number(), lastMs: Type.Number(), hours: Type.Integer(), hour: Type.Integer() })),
  })),
  /** Absent in what an older version saved: it is learnt anew. */
  habits: Type.Optional(Type.Array(Type.Object({
    /** `SOURCE>DESTINATION`, with `*` for any. */
    at: Type.String(),
    habits: Type.Array(Type.Object({
      name: Type.String(),
      base: Type.Union([Type.Object({ amount: Type.Number(), atMs: Type.Number() }), Type.Null()]),
      peaks: Type.Array(Type.Object({ hour: Type.Integer(), amount: Type.Number() })),
      lastMs: Type.Number(),
    })),
  }))),
  /** Absent in what an older version saved. */
  taught: Type.Optional(Type.Array(Taught)),
  watched: Type.Array(Type.Object({ end: End, sinceMs: Type.Number() })),
  attacks: Type.Array(Type.Object({ address: Type.String(), className: Type.String(), source: Type.Union([Type.String(), Type.Null()]), atMs: Type.Number() })),
})
export type SavedMemory = Static<typeof SavedMemory>

/** What a checkpoint holds at most, newest first: it is written every few seconds. */
const MAX_SAVED = 4_000

export function saveMemory ({ pairs, watched, attacks, habits, taught }: Memory): SavedMemory {
  return {
    pairs: [...pairs].slice(-MAX_SAVED).map(([at, { firstMs, watchedSinceMs, ports }]) => ({ at, firstMs, watchedSinceMs, ports: [...ports].map(([port, use]) => ({ port, ...use })) })),
    habits: [...habits].slice(-MAX_SAVED).map(([at, of]) => ({ at, habits: [...of].map(([name, { base, peaks, lastMs }]) => ({ name, base, peaks: [...peaks], lastMs })) })),
    taught: [...taught.values()],
    watched: [...watched].slice(-MAX_SAVED).map(([end, sinceMs]) => ({ end, sinceMs })),
    attacks: [...attacks].slice(-MAX_SAVED).map(([address, attack]) => ({ address, ...attack })),
  }
}

/** Fills an empty memory with what was saved. */
export function restoreMemory (memory: Memory, { pairs, watched, attacks, habits = [], taught = [] }: SavedMemory): void {
  for (const { at, ports, ...pair } of pairs) memory.pairs.set(at, { ...pair, ports: new Map(ports.map(({ port, ...use }) => [port, use])) })
  for (const { at, habits: of } of habits) memory.habits.set(at, new Map(of.map(({ name, ...habit }) => [name, habit])))
  for (const said of taught) memory.taught.set(taughtId(said), said)
  for (const { end, sinceMs } of watched) memory.watched.set(end, sinceMs)
  for (const { address, ...attack } of attacks) memory.attacks.set(address, attack)
}
