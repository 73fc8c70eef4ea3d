import { Type, type Static } from 'typebox'
import type { Memory } from './memory.ts'

const End = Type.String({ description: 'An address, or NAMESPACE/KIND/NAME of a workload.' })

export const SavedMemory = Type.Object({
  pairs: Type.Array(Type.Object({
    /** `SOURCE>DESTINATION`. */
    at: Type.String(),
    firstMs: Type.Number(),
    watchedSinceMs: Type.Number(),
    ports: Type.Array(Type.Object({ port: Type.Integer(), firstMs: Type.Number(), lastMs: Type.Number(), hours: Type.Integer(), hour: Type.Integer() })),
  })),
  watched: Type.Array(Type.Object({ end: End, sinceMs: Type.Number() })),
  attacks: Type.Array(Type.Object({ address: Type.String(), className: Type.String(), source: Type.Union([Type.String(), Type.Null()]), atMs: Type.Number() })),
})
export type SavedMemory = Static<typeof SavedMemory>

/** What a checkpoint holds at most, newest first: it is written every few seconds. */
const MAX_SAVED = 4_000

export function saveMemory ({ pairs, watched, attacks }: Memory): SavedMemory {
  return {
    pairs: [...pairs].slice(-MAX_SAVED).map(([at, { firstMs, watchedSinceMs, ports }]) => ({ at, firstMs, watchedSinceMs, ports: [...ports].map(([port, use]) => ({ port, ...use })) })),
    watched: [...watched].slice(-MAX_SAVED).map(([end, sinceMs]) => ({ end, sinceMs })),
    attacks: [...attacks].slice(-MAX_SAVED).map(([address, attack]) => ({ address, ...attack })),
  }
}

/** Fills an empty memory with what was saved. */
export function restoreMemory (memory: Memory, { pairs, watched, attacks }: SavedMemory): void {
  for (const { at, ports, ...pair } of pairs) memory.pairs.set(at, { ...pair, ports: new Map(ports.map(({ port, ...use }) => [port, use])) })
  for (const { end, sinceMs } of watched) memory.watched.set(end, sinceMs)
  for (const { address, ...attack } of attacks) memory.attacks.set(address, attack)
}
