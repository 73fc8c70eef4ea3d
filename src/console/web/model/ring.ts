import type { TrafficEdge } from '../../../ports/scores.ts'
import type { WallPod } from './wall.ts'

/** A point on the ring: a pod, or a workload or namespace where there are too many pods, or an address that is no pod's. */
export interface RingNode {
  readonly id: string
  readonly label: string
  readonly group: string
  readonly pods: number
  /** All, some or none of its pods are observed; null where that cannot be told, or where it is no pod. */
  readonly observed: 'all' | 'some' | 'none' | null
  /** Radians, clockwise from the top. */
  readonly angle: number
  /** The part of the circle that is its own, in radians. */
  readonly share: number
}

export interface RingGroup { readonly name: string, readonly from: number, readonly to: number }
export interface RingEdge { readonly source: string, readonly target: string, readonly packets: number, readonly bytes: number, readonly flows: number }

export interface Ring {
  readonly nodes: ReadonlyMap<string, RingNode>
  readonly groups: readonly RingGroup[]
  /** Busiest last, so that they are drawn on top. */
  readonly edges: readonly RingEdge[]
  /** Edges that are too quiet to be drawn. */
  readonly hidden: number
  readonly grain: 'pod' | 'workload' | 'namespace'
  /** The node that stands for an address, if one does. */
  readonly nodeOf: (address: string) => RingNode | null
}

/** More points than this are no picture any more; then one point stands for a workload, then for a namespace. */
export const MAX_POINTS = 600
export const MAX_EDGES = 400
const MAX_OUTSIDE = 12
export const OUTSIDE = 'no pod'
const REST = 'other addresses'

/** `app.kubernetes.io/name`, `app`, or the pod's name without the parts that its controller added. */
export function workloadOf ({ labels, name }: Pick<WallPod, 'labels' | 'name'>): string {
  return labels['app.kubernetes.io/name'] ?? labels['app'] ?? name.replace(/(-[0-9a-f]{6,10})?-([0-9a-z]{5}|\d+)$/, '')
}

const byText = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

function chooseGrain (pods: readonly WallPod[]): Ring['grain'] {
  if (pods.length <= MAX_POINTS) return 'pod'
  return new Set(pods.map((pod) => `${pod.namespace}/${workloadOf(pod)}`)).size <= MAX_POINTS ? 'workload' : 'namespace'
}

function observation (pods: readonly WallPod[]): RingNode['observed'] {
  if (pods.some(({ observed }) => observed === null)) return null
  const observed = pods.filter(({ observed }) => observed === true).length
  return observed === pods.length ? 'all' : observed === 0 ? 'none' : 'some'
}

type Point = Omit<RingNode, 'angle' | 'share'>

function podPoints (pods: readonly WallPod[], grain: Ring['grain'], owner: Map<string, string>): Point[] {
  const members = Map.groupBy(pods, (pod) => grain === 'pod' ? pod.uid : grain === 'workload' ? `${pod.namespace}/${workloadOf(pod)}` : `${pod.namespace}/`)
  return [...members].flatMap(([id, [first, ...others]]) => {
    if (first === undefined) return []
    const all = [first, ...others]
    for (const pod of all) for (const address of pod.addresses) owner.set(address, id)
    const label = grain === 'pod' ? first.name : grain === 'workload' ? workloadOf(first) : first.namespace
    return [{ id, label, group: first.namespace, pods: all.length, observed: observation(all) }]
  })
}

/** Addresses that belong to no pod: those that matter most by name, the rest as one point. */
function outsidePoints (edges: readonly TrafficEdge[], always: ReadonlySet<string>, owner: Map<string, string>): Point[] {
  const packets = new Map<string, number>()
  for (const address of always) if (!owner.has(address)) packets.set(address, Infinity)
  for (const edge of edges) {
    for (const address of [edge.source, edge.destination]) {
      if (!owner.has(address)) packets.set(address, (packets.get(address) ?? 0) + edge.packets)
    }
  }
  const ranked = [...packets].sort(([a, x], [b, y]) => y - x || byText(a, b)).map(([address]) => address)
  const [named, rest] = [ranked.slice(0, MAX_OUTSIDE).sort(byText), ranked.slice(MAX_OUTSIDE)]
  for (const address of named) owner.set(address, address)
  for (const address of rest) owner.set(address, REST)
  const point = (id: string, label: string): Point => ({ id, label, group: OUTSIDE, pods: 0, observed: null })
  return [...named.map((address) => point(address, address)), ...(rest.length > 0 ? [point(REST, `${rest.length} ${REST}`)] : [])]
}

/** Small namespaces get more of the circle than their number of pods alone would give them, or one large one crushes the rest. */
const CROWDING = 0.6

/** A share of the circle for each group by its size, the same for all points within one, and gaps between groups. */
function spread (points: readonly Point[]): { nodes: Map<string, RingNode>, groups: RingGroup[] } {
  const groups = [...Map.groupBy(points, ({ group }) => group)]
    .sort(([a], [b]) => Number(a === OUTSIDE) - Number(b === OUTSIDE) || byText(a, b))
  const weights = groups.map(([, members]) => members.length ** CROWDING)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const gap = groups.length > 1 ? total / groups.length / 5 : 0
  const turn = (2 * Math.PI) / Math.max(1, total + gap * groups.length)
  const nodes = new Map<string, RingNode>()
  let from = 0
  const arcs = groups.map(([name, members], index) => {
    const to = from + (weights[index] ?? 0) * turn
    const share = (to - from) / members.length
    members.toSorted((a, b) => byText(a.label, b.label) || byText(a.id, b.id))
      .forEach((point, place) => nodes.set(point.id, { ...point, angle: from + (place + 0.5) * share, share }))
    const arc = { name, from, to }
    from = to + gap * turn
    return arc
  })
  return { nodes, groups: arcs }
}

function mergeEdges (edges: readonly TrafficEdge[], owner: ReadonlyMap<string, string>): RingEdge[] {
  const merged = new Map<string, RingEdge>()
  for (const { source, destination, packets, bytes, flows } of edges) {
    const [from, to] = [owner.get(source), owner.get(destination)]
    if (from === undefined || to === undefined || from === to) continue
    const key = `${from}\n${to}`
    const sum = merged.get(key) ?? { source: from, target: to, packets: 0, bytes: 0, flows: 0 }
    merged.set(key, { ...sum, packets: sum.packets + packets, bytes: sum.bytes + bytes, flows: sum.flows + flows })
  }
  return [...merged.values()].sort((a, b) => a.packets - b.packets || byText(a.source + a.target, b.source + b.target))
}

/**
 * Where everything stands, from what there is alone: the same pods and edges give the same picture in any order.
 * `always` are addresses that must have a point of their own if they are no pod's, because something points at them.
 */
export function ringOf (pods: readonly WallPod[], edges: readonly TrafficEdge[], always: ReadonlySet<string>): Ring {
  const grain = chooseGrain(pods)
  const owner = new Map<string, string>()
  const points = podPoints(pods, grain, owner)
  const { nodes, groups } = spread([...points, ...outsidePoints(edges, always, owner)])
  const merged = mergeEdges(edges, owner)
  return {
    nodes,
    groups,
    grain,
    edges: merged.slice(-MAX_EDGES),
    hidden: Math.max(0, merged.length - MAX_EDGES),
    nodeOf: (address) => nodes.get(owner.get(address) ?? '') ?? null,
  }
}

export interface Point2 { readonly x: number, readonly y: number }

export const onCircle = (center: Point2, radius: number, angle: number): Point2 =>
  ({ x: center.x + radius * Math.sin(angle), y: center.y - radius * Math.cos(angle) })

export interface Curve { readonly from: Point2, readonly first: Point2, readonly second: Point2, readonly to: Point2 }

/** Two thirds of the way from an end to a quadratic's control point is that curve's cubic control point. */
const toCubic = (end: Point2, control: Point2): Point2 => ({ x: end.x + (control.x - end.x) * 2 / 3, y: end.y + (control.y - end.y) * 2 / 3 })

/** Points beyond which edges run in bundles from namespace to namespace, so that a crowd stays calm. */
const BUNDLED_FROM = 80

/**
 * The curve between two points of a ring. Of few points, each edge bends to the middle, the more so the farther its ends
 * are apart; of many, edges of one pair of namespaces share their way (Holten 2006, hierarchical edge bundling).
 */
export function curveOf (ring: Ring, center: Point2, radius: number, source: RingNode, target: RingNode): Curve {
  const [from, to] = [onCircle(center, radius, source.angle), onCircle(center, radius, target.angle)]
  const way = (node: RingNode): Point2 => {
    const arc = ring.groups.find(({ name }) => name === node.group)
    return onCircle(center, radius * (source.group === target.group ? 0.72 : 0.38), arc === undefined ? node.angle : (arc.from + arc.to) / 2)
  }
  if (ring.nodes.size > BUNDLED_FROM) return { from, first: way(source), second: way(target), to }
  const apart = Math.hypot(to.x - from.x, to.y - from.y) / (2 * radius)
  const pull = 0.82 - 0.7 * apart
  const control = { x: center.x + ((from.x + to.x) / 2 - center.x) * pull, y: center.y + ((from.y + to.y) / 2 - center.y) * pull }
  return { from, first: toCubic(from, control), second: toCubic(to, control), to }
}

/** The point of a curve at `t`, and its direction there in radians. */
export function along ({ from, first, second, to }: Curve, t: number): Point2 & { readonly direction: number } {
  const s = 1 - t
  const place = (a: number, b: number, c: number, d: number): number => s * s * s * a + 3 * s * s * t * b + 3 * s * t * t * c + t * t * t * d
  const slope = (a: number, b: number, c: number, d: number): number => s * s * (b - a) + 2 * s * t * (c - b) + t * t * (d - c)
  return {
    x: place(from.x, first.x, second.x, to.x),
    y: place(from.y, first.y, second.y, to.y),
    direction: Math.atan2(slope(from.y, first.y, second.y, to.y), slope(from.x, first.x, second.x, to.x)),
  }
}
