import type { Diary } from '../diary.ts'

type Trails = Pick<Diary, 'trails'>

/** The chain of each replica holds, and none says at any place something else than the leader's. */
export function chainFaults ({ trails }: Trails): readonly string[] {
  const leading = trails.find(({ leads }) => leads)
  if (leading === undefined) return ['nobody leads at the end, so nobody has the trail']
  const hashes = new Map(leading.entries.map(({ sequence, hash }) => [sequence, hash]))
  return trails.flatMap(({ replica, entries, fault }) => {
    const other = entries.find(({ sequence, hash }) => hashes.get(sequence) !== hash)
    return [
      ...fault === null ? [] : [`the trail of ${replica} is broken: ${fault}`],
      ...other === undefined ? [] : [`entry ${other.sequence} of ${replica} (${other.action} ${other.object}) is not that of the leader`],
    ]
  })
}

export const leadersTrail = ({ trails }: Trails) => trails.find(({ leads }) => leads)?.entries ?? []

/**
 * What a leader said yes to is in the trail of the last one, and so is what it made. A leader that nobody was in step with answers for
 * itself alone: whoever takes over without it says that something may be missing (`LeaseTakenLate`), and what was acknowledged just before is excused.
 */
export function forgottenOrders (diary: Pick<Diary, 'trails' | 'orders' | 'exceptions'>): readonly string[] {
  const taken = leadersTrail(diary).filter(({ action }) => action === 'leadership.taken')
  const isAnnounced = (answeredMs: number): boolean => taken.find(({ at }) => Date.parse(at) >= answeredMs)?.reason === 'LeaseTakenLate'
  const told = new Set(leadersTrail(diary).filter(({ action }) => action === 'exception.added').map(({ object }) => object))
  const made = new Set(diary.exceptions)
  return diary.orders.flatMap(({ name, answeredMs }) => [
    ...told.has(`exception/${name}`) || isAnnounced(answeredMs) ? [] : [`${name} was acknowledged and is not in the trail`],
    ...made.has(name) ? [] : [`${name} was acknowledged and is not in the API server`],
  ])
}
