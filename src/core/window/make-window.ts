import { FAN_IN, PAIR, type KeyTable } from './key-table.ts'
import { FIRST_PACKET, GAP, SUM, UNIQUE, type Lane } from './lane.ts'
import { distinct } from './sketch.ts'
import { COUNTERS, FEATURES, QUALITY, SKETCH_BYTES, STEPS_MS, type PortUse, type Window } from './window.ts'

const FLOWS = [SUM.flows, SUM.flows15, SUM.flows60] as const
const AGE = [SUM.age, SUM.age15, SUM.age60] as const
const PROVED = [SUM.proved, SUM.proved15, SUM.proved60] as const

/** `uses` by key, of a step that tells them. */
type Uses = ReadonlyMap<number, readonly PortUse[]> | null

/** A cell as the window that others see; `step` is its place in STEPS_MS. */
export function makeWindow (lane: Lane, cell: number, step: number, number: number, quality: number, table: KeyTable, uses: Uses): Window {
  const key = lane.keys[cell] ?? 0
  const stepMs = STEPS_MS[step] ?? STEPS_MS[0]
  const sketch = (from: Uint8Array): Uint8Array => from.slice(cell * SKETCH_BYTES, (cell + 1) * SKETCH_BYTES)
  const portSketch = sketch(lane.portSketches)
  const peerSketch = sketch(lane.peerSketches)
  const firstMs = lane.number(cell, FIRST_PACKET)
  return {
    key: table.key(key),
    stepMs,
    number,
    firstPacketMs: firstMs === Infinity ? number * stepMs : firstMs,
    features: features(lane, cell, step, uniquePorts(lane, cell, table.kind(key) === FAN_IN ? peerSketch : portSketch)),
    counters: counters(lane, cell),
    ports: lane.ports.list(cell),
    ...(uses !== null && table.kind(key) === PAIR && { uses: uses.get(key) ?? [] }),
    // Who sees no packets sees no forged ones either.
    ...((quality & QUALITY.flagsMissing) === 0 && { proved: lane.number(cell, PROVED[step] ?? SUM.proved) }),
    portSketch,
    peerSketch,
    quality,
  }
}

/** Exact but in a lane that saw more values than it can tell apart: there the estimate of the sketch, where it is larger. */
function uniquePorts (lane: Lane, cell: number, sketch: Uint8Array): number {
  const counted = lane.number(cell, UNIQUE)
  return lane.distinct.overflown ? Math.max(counted, distinct(sketch)) : counted
}

function features (lane: Lane, cell: number, step: number, uniquePorts: number): Float64Array {
  const row = new Float64Array(FEATURES.length)
  const flows = lane.number(cell, FLOWS[step] ?? SUM.flows)
  const decided = lane.number(cell, SUM.decided)
  const gaps = lane.number(cell, GAP.packets) - 1
  const mean = gaps < 1 ? 0 : (lane.number(cell, GAP.lastMs) - lane.number(cell, GAP.firstMs)) / gaps
  const variance = gaps < 1 ? 0 : lane.number(cell, GAP.squares) / gaps - mean * mean
  row[0] = flows
  row[1] = lane.number(cell, SUM.sentBytes)
  row[2] = lane.number(cell, SUM.receivedBytes)
  row[3] = lane.number(cell, SUM.syn)
  row[4] = lane.number(cell, SUM.ack)
  row[5] = lane.number(cell, SUM.rst)
  row[6] = lane.number(cell, SUM.fin)
  row[7] = flows === 0 ? 0 : lane.number(cell, AGE[step] ?? SUM.age) / flows / 1_000
  row[8] = mean
  row[9] = Math.sqrt(Math.max(0, variance)) // rounding can leave a variance just below 0
  row[10] = decided === 0 ? 0 : lane.number(cell, SUM.failed) / decided
  row[11] = uniquePorts
  return row
}

function counters (lane: Lane, cell: number): Float64Array {
  const row = new Float64Array(COUNTERS.length)
  row[0] = lane.number(cell, SUM.sentPackets)
  row[1] = lane.number(cell, SUM.receivedPackets)
  row[2] = lane.number(cell, SUM.halfOpen)
  row[3] = lane.number(cell, SUM.unanswered)
  row[4] = lane.number(cell, SUM.tcp)
  row[5] = lane.number(cell, SUM.udp)
  row[6] = lane.number(cell, SUM.icmp)
  return row
}
