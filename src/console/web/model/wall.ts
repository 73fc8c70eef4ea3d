import type { Decision } from '../../../core/policy/decision.ts'
import type { Detection } from '../../../core/verdict/detection.ts'
import type { Mitigation } from '../../../core/mitigation/mitigation.ts'
import type { Halt } from '../../../core/safety/state.ts'
import type { MeshPolicy } from '../../../core/rollout/mesh-policy.ts'
import type { FetchedList, LoopEvent } from '../../../ports/loop.ts'
import type { ProxyStatus } from '../../../ports/proxies.ts'
import type { DetectorStats, TrafficEdge } from '../../../ports/scores.ts'

/** A pod as `/api/v1/pods` tells it; `observed` is null where the directory cannot tell. */
export interface WallPod {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly addresses: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly observed: boolean | null
}

/** Things a second, over the time between two pictures of the traffic. */
export interface Rates { readonly packets: number, readonly flows: number, readonly windows: number, readonly tensors: number }

/** `connecting` before the first answer; `lost` keeps showing what was last known. */
export type Link = { readonly state: 'connecting' } | { readonly state: 'live' } | { readonly state: 'lost', readonly sinceMs: number }

/** All that the page knows. Never mutated; `reduce` makes the next one. */
export interface Wall {
  readonly link: Link
  readonly loaded: boolean
  readonly version: string
  readonly ready: boolean
  readonly reasons: readonly string[]
  /** What to add to this browser's clock to get the console's. */
  readonly skewMs: number
  readonly detections: ReadonlyMap<string, Detection>
  readonly decisions: ReadonlyMap<string, Decision>
  readonly mitigations: ReadonlyMap<string, Mitigation>
  readonly proxies: ReadonlyMap<string, ProxyStatus>
  readonly rollouts: ReadonlyMap<string, MeshPolicy>
  /** Who stopped all actions; null: they go on. */
  readonly halt: Halt | null
  readonly pods: readonly WallPod[]
  readonly edges: readonly TrafficEdge[]
  readonly stats: DetectorStats | null
  readonly statsAtMs: number
  /** Oldest first, at most RATE_HISTORY. */
  readonly rates: readonly Rates[]
  /** Another number whenever the list may be another one than was fetched last. */
  readonly versions: Readonly<Record<FetchedList, number>>
}

/** What the page fetches whole, before and between the events. Lists are newest first. */
export interface Lists {
  readonly detections: readonly Detection[]
  readonly decisions: readonly Decision[]
  readonly mitigations: readonly Mitigation[]
  readonly proxies: readonly ProxyStatus[]
  readonly rollouts: readonly MeshPolicy[]
  readonly halt: Halt | null
  readonly pods: readonly WallPod[]
  readonly traffic: Extract<LoopEvent, { type: 'traffic' }> | null
  readonly status: { readonly version: string, readonly ready: boolean, readonly reasons: readonly string[], readonly now: string }
}

export type WallChange =
  | { readonly type: 'lists', readonly lists: Lists, readonly atMs: number }
  | { readonly type: 'pods', readonly pods: readonly WallPod[] }
  | { readonly type: 'link', readonly link: Link }
  | { readonly type: 'event', readonly event: LoopEvent, readonly atMs: number }

/** A page that is open for weeks must not grow. */
export const KEPT = 500
export const RATE_HISTORY = 60

export const EMPTY_WALL: Wall = {
  link: { state: 'connecting' },
  loaded: false,
  version: '',
  ready: true,
  reasons: [],
  skewMs: 0,
  detections: new Map(),
  decisions: new Map(),
  mitigations: new Map(),
  proxies: new Map(),
  rollouts: new Map(),
  halt: null,
  pods: [],
  edges: [],
  stats: null,
  statsAtMs: 0,
  rates: [],
  versions: { errands: 0, exceptions: 0, 'threat-policies': 0, protected: 0, leadership: 0, marks: 0, safety: 0, models: 0 },
}

/** Keyed in the order of the list, which is newest first; a Map of this page is oldest first. */
const keyed = <T>(items: readonly T[], key: (item: T) => string): ReadonlyMap<string, T> =>
  new Map(items.toReversed().map((item) => [key(item), item]))

function upsert<T> (map: ReadonlyMap<string, T>, key: string, value: T): ReadonlyMap<string, T> {
  const next = new Map(map).set(key, value)
  const oldest = next.keys().next()
  if (next.size > KEPT && !oldest.done) next.delete(oldest.value)
  return next
}

const without = <T>(map: ReadonlyMap<string, T>, gone: string): ReadonlyMap<string, T> => new Map([...map].filter(([key]) => key !== gone))

function addTraffic (wall: Wall, event: Extract<LoopEvent, { type: 'traffic' }>, atMs: number): Wall {
  const { edges, stats } = event
  const before = wall.stats
  const seconds = (atMs - wall.statsAtMs) / 1000
  // Two pictures in one instant (a fetch and an event) say nothing of a rate, nor does a detector that started anew.
  if (before === null || seconds < 0.2 || stats.packets < before.packets) {
    return { ...wall, edges, stats, statsAtMs: before === null || stats.packets < before.packets ? atMs : wall.statsAtMs }
  }
  const rate = (name: keyof Rates): number => Math.max(0, stats[name] - before[name]) / seconds
  const rates = { packets: rate('packets'), flows: rate('flows'), windows: rate('windows'), tensors: rate('tensors') }
  return { ...wall, edges, stats, statsAtMs: atMs, rates: [...wall.rates, rates].slice(-RATE_HISTORY) }
}

function addEvent (wall: Wall, event: LoopEvent, atMs: number): Wall {
  switch (event.type) {
    case 'traffic': return addTraffic(wall, event, atMs)
    case 'detection': return { ...wall, detections: upsert(wall.detections, event.detection.id, event.detection) }
    case 'decision': return { ...wall, decisions: upsert(wall.decisions, event.decision.id, event.decision) }
    case 'mitigation': return { ...wall, mitigations: upsert(wall.mitigations, event.mitigation.metadata.name, event.mitigation) }
    case 'proxy': return { ...wall, proxies: upsert(wall.proxies, event.status.podUid, event.status) }
    case 'halt': return { ...wall, halt: event.halt }
    case 'changed': return { ...wall, versions: { ...wall.versions, [event.list]: wall.versions[event.list] + 1 } }
    case 'rollout': return { ...wall, rollouts: event.policy === null ? without(wall.rollouts, event.name) : upsert(wall.rollouts, event.name, event.policy) }
  }
}

/** The next wall. `atMs` is this browser's clock. */
export function reduce (wall: Wall, change: WallChange): Wall {
  switch (change.type) {
    case 'link': return { ...wall, link: change.link }
    case 'pods': return { ...wall, pods: change.pods }
    case 'event': return addEvent(wall, change.event, change.atMs)
    case 'lists': {
      const { lists, atMs } = change
      const next: Wall = {
        ...wall,
        loaded: true,
        version: lists.status.version,
        ready: lists.status.ready,
        reasons: lists.status.reasons,
        skewMs: Date.parse(lists.status.now) - atMs,
        detections: keyed(lists.detections, ({ id }) => id),
        decisions: keyed(lists.decisions, ({ id }) => id),
        mitigations: keyed(lists.mitigations, ({ metadata }) => metadata.name),
        proxies: keyed(lists.proxies, ({ podUid }) => podUid),
        rollouts: keyed(lists.rollouts, ({ metadata }) => metadata.name),
        halt: lists.halt,
        pods: lists.pods,
        versions: { errands: atMs, exceptions: atMs, 'threat-policies': atMs, protected: atMs, leadership: atMs, marks: atMs, safety: atMs, models: atMs },
      }
      return lists.traffic === null ? next : addTraffic(next, lists.traffic, atMs)
    }
  }
}

export const decisionsOf = (wall: Wall, detection: string): readonly Decision[] =>
  [...wall.decisions.values()].filter((decision) => decision.detection === detection).reverse()

export const mitigationsOf = (wall: Wall, detection: string): readonly Mitigation[] =>
  [...wall.mitigations.values()].filter(({ spec }) => spec.detection === detection).reverse()

/** In force now, by the console's clock: an expiry is believed even before its event comes. */
export const activeMitigations = (wall: Wall, nowMs: number): readonly Mitigation[] =>
  [...wall.mitigations.values()].filter(({ status, spec }) => status.phase === 'active' && Date.parse(spec.expiresAt) > nowMs).reverse()

/** What waits for a person; the one whose deadline comes first in front. */
export const waitingDecisions = (wall: Wall): readonly Decision[] =>
  [...wall.decisions.values()].filter(({ approval }) => approval?.state === 'waiting').sort((one, other) => (one.approval?.deadline ?? '') < (other.approval?.deadline ?? '') ? -1 : 1)
