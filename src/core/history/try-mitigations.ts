import { type FlowEnd, type FlowRecord, transportOf } from './flow-record.ts'
import { endName } from './group-tried.ts'
import type { Life } from './mitigation-lives.ts'
import { STANDINGS, type Standing } from './standing.ts'
import { standsIn, throughServices } from './through-services.ts'
import { podsOf, touches } from './touch.ts'

export const EFFECTS = ['cut', 'limited'] as const
export type Effect = (typeof EFFECTS)[number]

/** Flows of one kind between two workloads that mitigations would have touched. */
export interface TouchedGroup {
  readonly effect: Effect
  readonly of: Standing
  /** As in `TriedGroup`. */
  readonly source: string
  readonly destination: string
  /** `TCP`, or `protocol 1`. */
  readonly protocol: string
  /** 0 for all that were not named. */
  readonly port: number
  readonly connections: number
  /** Attempts among them that failed anyway. */
  readonly failed: number
  /** Pods at its ends. */
  readonly pods: number
  /** End of the minute in which it was last seen, Unix time. */
  readonly lastMs: number
  /** Rules. */
  readonly by: readonly string[]
  /** Ids. */
  readonly detections: readonly string[]
}

/** How much of one effect and standing there is. */
export interface TouchedTotal {
  readonly effect: Effect
  readonly of: Standing
  readonly connections: number
  readonly pods: number
  readonly workloads: number
  readonly ports: number
}

export interface MitigationTrial {
  /** What is cut before what is limited, legitimate last, most connections first. */
  readonly groups: readonly TouchedGroup[]
  readonly totals: readonly TouchedTotal[]
  /** Connections between ends that are touched of which it cannot be told. */
  readonly unjudged: number
}

interface Touched { readonly record: FlowRecord, readonly effect: Effect, readonly of: Standing, readonly lives: readonly Life[] }

/**
 * What mitigations would have touched of flows. A record counts in whole where it overlaps a life, so the finer in time records are,
 * the nearer the counts.
 *
 *     some life cuts it | some life limits it | effect
 *     yes               | -                   | cut
 *     no                | yes                 | limited
 *     no                | no                  | none
 */
export function tryMitigations (records: readonly FlowRecord[], lives: readonly Life[], standing: (record: FlowRecord) => Standing): MitigationTrial {
  const livesAt = index(lives)
  const touched: Touched[] = []
  const unknown: FlowRecord[] = []
  for (const record of throughServices(records)) {
    const near = livesAt(record).map((life) => ({ life, touches: touches(life.touch, record) }))
    const sure = near.flatMap(({ life, touches }) => touches === 'yes' ? [life] : [])
    const effect = EFFECTS.find((one) => sure.some((life) => life.effect === one))
    if (effect !== undefined) touched.push({ record, effect, of: standing(record), lives: sure.filter((life) => life.effect === effect) })
    else if (near.some(({ touches }) => touches === 'unknown')) unknown.push(record)
  }
  const kinds = EFFECTS.flatMap((effect) => STANDINGS.map((of) => touched.filter((one) => one.effect === effect && one.of === of))).filter((some) => some.length > 0)
  return { groups: kinds.flatMap(grouped), totals: kinds.flatMap(totalOf), unjudged: connectionsOver(unknown) }
}

/** Lives that may touch a record and overlap it in time. Who is behind a Service is known by labels, so those of its namespace may. */
function index (lives: readonly Life[]): (record: FlowRecord) => Life[] {
  const byPlace = new Map<string, Set<Life>>()
  const put = (place: string, life: Life): void => {
    const known = byPlace.get(place)
    if (known === undefined) byPlace.set(place, new Set([life]))
    else known.add(life)
  }
  for (const life of lives) {
    for (const { uid, namespace } of podsOf(life.touch)) {
      put(`pod ${uid}`, life)
      put(`namespace ${namespace}`, life)
    }
  }
  const placesOf = ({ pod }: FlowEnd): string[] => pod === null ? [] : [standsIn(pod) ? `namespace ${pod.namespace}` : `pod ${pod.uid}`]
  return ({ source, destination, firstMs, lastMs }) => [...new Set([source, destination].flatMap(placesOf).flatMap((place) =>
    [...byPlace.get(place) ?? []].filter(({ fromMs, untilMs }) => fromMs < lastMs && untilMs > firstMs)))]
}

function grouped (touched: readonly Touched[]): TouchedGroup[] {
  const groups = Map.groupBy(touched, ({ record: { source, destination, protocol, port } }) => `${endName(source)} ${endName(destination)} ${protocol} ${port}`)
  return [...groups.values()].flatMap((some): TouchedGroup[] => some.slice(0, 1).map(({ record, effect, of }) => ({
    effect,
    of,
    source: endName(record.source),
    destination: endName(record.destination),
    protocol: transportOf(record.protocol) ?? `protocol ${record.protocol}`,
    port: record.port,
    connections: connectionsOver(some.map((one) => one.record)),
    failed: some.reduce((sum, one) => sum + one.record.failed, 0),
    pods: podsAt(some).size,
    lastMs: Math.max(...some.map((one) => one.record.lastMs)),
    by: [...new Set(some.flatMap(({ lives }) => lives.map(({ rule }) => rule)))],
    detections: [...new Set(some.flatMap(({ lives }) => lives.map(({ detection }) => detection)))],
  }))).sort((one, other) => other.connections - one.connections)
}

function totalOf (touched: readonly Touched[]): TouchedTotal[] {
  const records = touched.map(({ record }) => record)
  const workloads = new Set(records.flatMap(({ source, destination }) => [source, destination].filter(({ pod }) => pod !== null).map(endName)))
  const ports = new Set(records.filter(({ port }) => port > 0).map(({ protocol, port }) => `${protocol} ${port}`))
  return touched.slice(0, 1).map(({ effect, of }) => ({ effect, of, connections: connectionsOver(records), pods: podsAt(touched).size, workloads: workloads.size, ports: ports.size }))
}

const podsAt = (touched: readonly Touched[]): ReadonlySet<string> => new Set(touched.flatMap(({ record: { source, destination } }) => [source, destination].flatMap(({ pod }) => pod === null || standsIn(pod) ? [] : [pod.uid])))

/** Records of one conversation follow each other in time: what one was open with before it is what the last one left. */
function connectionsOver (records: readonly FlowRecord[]): number {
  const conversations = Map.groupBy(records, ({ source, destination, protocol, port }) => `${key(source)} ${key(destination)} ${protocol} ${port}`)
  return [...conversations.values()].reduce((sum, some) => {
    const first = some.reduce((earliest, record) => record.firstMs < earliest.firstMs ? record : earliest)
    return sum + first.carried + some.reduce((begun, record) => begun + record.begun, 0)
  }, 0)
}

const key = ({ address, pod }: FlowEnd): string => `${pod?.uid ?? ''}/${address}`
