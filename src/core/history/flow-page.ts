import { Type, type Static } from 'typebox'
import { WatchedPod } from './watched.ts'
import { connectionsOf, FlowEnd, FlowRecord } from './flow-record.ts'

const { source: _source, destination: _destination, ...counts } = FlowRecord.properties
const index = (of: string) => Type.Integer({ minimum: 0, description: `Index into \`${of}\`.` })

/** Flows with each end once: ends are large and shared by many. */
export const FlowPage = Type.Object({
  since: Type.String({ description: 'From when on flows were asked for, ISO 8601.' }),
  keptSince: Type.Union([Type.String(), Type.Null()], { description: 'The oldest flow that is kept, ISO 8601; null where there is none.' }),
  lost: Type.Object({ room: Type.Integer(), late: Type.Integer(), ends: Type.Integer() }, { description: 'What is missing: rows that went before their time for want of room, accounts that came too late, and those of ends that there was no room for.' }),
  left: Type.Integer({ description: 'Flows that were left off this answer, those with fewest connections.' }),
  watched: Type.Array(WatchedPod, { description: 'How long the pods of the namespace were observed, as far as the controller that answers was there; empty where no namespace was named.' }),
  ends: Type.Array(FlowEnd),
  flows: Type.Array(Type.Object({ source: index('ends'), destination: index('ends'), ...counts })),
}, { $id: 'Flows' })
export type FlowPage = Static<typeof FlowPage>

/** Most connections first. */
export function packFlows (records: readonly FlowRecord[], limit: number): Pick<FlowPage, 'ends' | 'flows' | 'left'> {
  const ends: FlowEnd[] = []
  const known = new Map<string, number>()
  const indexOf = (end: FlowEnd): number => {
    const key = JSON.stringify([end.address, end.pod?.uid, end.pod?.labels])
    let at = known.get(key)
    if (at === undefined) known.set(key, at = ends.push(end) - 1)
    return at
  }
  const most = records.toSorted((one, other) => connectionsOf(other) - connectionsOf(one)).slice(0, limit)
  return { left: records.length - most.length, flows: most.map(({ source, destination, ...rest }) => ({ ...rest, source: indexOf(source), destination: indexOf(destination) })), ends }
}

/** The records of a page; null where it names an end that is not there. */
export function unpackFlows ({ ends, flows }: Pick<FlowPage, 'ends' | 'flows'>): FlowRecord[] | null {
  const records: FlowRecord[] = []
  for (const { source, destination, ...rest } of flows) {
    const [from, to] = [ends[source], ends[destination]]
    if (from === undefined || to === undefined) return null
    records.push({ ...rest, source: from, destination: to })
  }
  return records
}
