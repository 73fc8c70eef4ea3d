import { TRANSPORTS, type Transport } from '../../kubernetes/transport.ts'

/** Both ends included, 1 to 65535. */
export interface PortRange { readonly protocol: Transport, readonly first: number, readonly last: number }

/**
 * A set of ports of all transports (what a policy does to other protocols is undefined): disjoint ranges in order, as first, last, first, last, where port p of the n-th transport
 * has the number n * 65536 + p. There is no port 0, so ranges of two transports never touch. Equal sets are equal lists.
 */
export type PortSet = readonly number[]

const SPAN = 65_536
const numberOf = (protocol: Transport, port: number): number => TRANSPORTS.indexOf(protocol) * SPAN + port

export const portsOf = ({ protocol, first, last }: PortRange): PortSet => [numberOf(protocol, first), numberOf(protocol, last)]
export const everyPortOf = (protocol: Transport): PortSet => portsOf({ protocol, first: 1, last: SPAN - 1 })
export const ALL_PORTS: PortSet = TRANSPORTS.flatMap(everyPortOf)
export const NO_PORTS: PortSet = []

export function union (sets: readonly PortSet[]): PortSet {
  let joined = NO_PORTS
  for (const set of sets) joined = joinedWith(joined, set)
  return joined
}

/** Two at a time, and without a new list where one holds the other: this is asked for each rule and pair of pods. */
function joinedWith (left: PortSet, right: PortSet): PortSet {
  if (holds(left, right)) return left
  if (holds(right, left)) return right
  const joined: number[] = []
  let [one, other, end] = [0, 0, -1]
  while (one < left.length || other < right.length) {
    const fromLeft = (left[one] ?? Infinity) <= (right[other] ?? Infinity)
    const [first = 0, last = 0] = fromLeft ? [left[one], left[one + 1]] : [right[other], right[other + 1]]
    if (fromLeft) one += 2
    else other += 2
    if (joined.length === 0 || first > end + 1) joined.push(first, last)
    else joined[joined.length - 1] = Math.max(end, last)
    end = Math.max(end, last)
  }
  return joined
}

function holds (whole: PortSet, part: PortSet): boolean {
  if (whole === part || whole === ALL_PORTS) return true
  let at = 0
  for (let next = 0; next < part.length; next += 2) {
    while (at < whole.length && (whole[at + 1] ?? 0) < (part[next] ?? 0)) at += 2
    if (at >= whole.length || (whole[at] ?? 0) > (part[next] ?? 0) || (whole[at + 1] ?? 0) < (part[next + 1] ?? 0)) return false
  }
  return true
}

export function intersection (left: PortSet, right: PortSet): PortSet {
  if (holds(left, right)) return right
  if (holds(right, left)) return left
  return pairs(left).flatMap(([first, last]) => pairs(right).flatMap(([start, end]) => {
    const [low, high] = [Math.max(first, start), Math.min(last, end)]
    return low <= high ? [low, high] : []
  }))
}

/** What is in the first and not in the second. */
export function difference (left: PortSet, right: PortSet): PortSet {
  const holes = pairs(right)
  return pairs(left).flatMap(([first, last]) => {
    const kept: number[] = []
    let from = first
    for (const [start, end] of holes) {
      if (end < from || start > last) continue
      if (start > from) kept.push(from, start - 1)
      from = end + 1
    }
    return from <= last ? [...kept, from, last] : kept
  })
}

export function hasPort (set: PortSet, protocol: Transport, port: number): boolean {
  const number = numberOf(protocol, port)
  for (let at = 0; at < set.length; at += 2) if ((set[at] ?? 0) <= number && number <= (set[at + 1] ?? 0)) return true
  return false
}

export const portRanges = (set: PortSet): PortRange[] =>
  pairs(set).map(([first, last]) => ({ protocol: TRANSPORTS[Math.floor(first / SPAN)] ?? 'TCP', first: first % SPAN, last: last % SPAN }))

function pairs (set: PortSet): [number, number][] {
  const found: [number, number][] = []
  for (let at = 0; at < set.length; at += 2) found.push([set[at] ?? 0, set[at + 1] ?? 0])
  return found
}
