import {
  COUNTERS, FEATURES, MAX_NAMED_PORTS, QUALITY, SKETCH_BYTES, STEPS_MS, type StepMs, type Window, type WindowKey,
} from '../core/window/window.ts'
import { USES_STEP_MS } from '../core/window/port-uses.ts'
import type { PortUse } from '../core/window/window.ts'
import { addressFromBytes } from './address.ts'
import type { StepClocks } from './encode-windows.ts'
import type { WindowColumns } from './gen/windows_pb.ts'

const ALL_QUALITY = Object.values(QUALITY).reduce((all, bit) => all | bit, 0)
const RATIO = FEATURES.indexOf('failed_conn_ratio')

/** Windows as they came, or what is wrong with the message, in plain words. */
export type DecodedWindows =
  | { readonly ok: true, readonly windows: readonly Window[], readonly clocks: StepClocks }
  | { readonly ok: false, readonly problem: string }

/** The windows in `columns`. Total: whatever a peer sends gives windows that keep Window's promises, or a problem. */
export function decodeWindows (columns: WindowColumns): DecodedWindows {
  const shape = checkShape(columns)
  if (shape !== null) return refuse(shape)
  const steps = decodeSteps(columns)
  if (typeof steps === 'string') return refuse(steps)
  const keys = decodeKeys(columns)
  if (typeof keys === 'string') return refuse(keys)
  const problem = checkValues(columns, steps, keys)
  if (problem !== null) return refuse(problem)
  return { ok: true, windows: decodeRows(columns, steps, keys), clocks: new Map(steps.map(({ stepMs, newest }) => [stepMs, newest])) }
}

const refuse = (problem: string): DecodedWindows => ({ ok: false, problem })

function checkShape (columns: WindowColumns): string | null {
  const rows = columns.key.length
  const lengths: ReadonlyArray<readonly [string, number, number]> = [
    ['step', columns.step.length, rows],
    ['age', columns.age.length, rows],
    ['first_packet_us', columns.firstPacketUs.length, rows],
    ['features', columns.features.length, rows * FEATURES.length],
    ['counters', columns.counters.length, rows * COUNTERS.length],
    ['quality', columns.quality.length, rows],
    ['port_count', columns.portCount.length, rows],
    ['port_packets', columns.portPackets.length, columns.port.length],
    ['use_count', columns.useCount.length, columns.useCount.length === 0 ? 0 : rows],
    ['use_port', columns.usePort.length, columns.useProtocol.length],
    ['use_begun', columns.useBegun.length, columns.useProtocol.length],
    ['use_carried', columns.useCarried.length, columns.useProtocol.length],
    ['use_failed', columns.useFailed.length, columns.useProtocol.length],
    ['use_bytes_sent', columns.useBytesSent.length, columns.useProtocol.length],
    ['use_bytes_received', columns.useBytesReceived.length, columns.useProtocol.length],
    ['proved', columns.proved.length, columns.proved.length === 0 ? 0 : rows],
    ['port_sketches', columns.portSketches.length, rows * SKETCH_BYTES],
    ['key_destination', columns.keyDestination.length, columns.keySource.length],
  ]
  const wrong = lengths.find(([, length, expected]) => length !== expected)
  return wrong === undefined ? null : `column ${wrong[0]} has ${wrong[1]} entries where ${rows} windows need ${wrong[2]}`
}

interface Step { readonly stepMs: StepMs, readonly newest: number }

function decodeSteps (columns: WindowColumns): readonly Step[] | string {
  const steps: Step[] = []
  for (const clock of columns.steps) {
    const stepMs = STEPS_MS.find((known) => known === clock.stepMs)
    if (stepMs === undefined) return `a step of ${clock.stepMs} ms is none of ${STEPS_MS.join(', ')}`
    if (steps.some((step) => step.stepMs === stepMs)) return `the step of ${stepMs} ms is there twice`
    const newest = Number(clock.newest)
    if (!Number.isSafeInteger(newest * stepMs * 1000)) return `window ${clock.newest} of ${stepMs} ms lies beyond the end of time`
    steps.push({ stepMs, newest })
  }
  return steps
}

function decodeKeys (columns: WindowColumns): readonly WindowKey[] | string {
  const addresses: string[] = []
  for (const bytes of columns.addresses) {
    const address = addressFromBytes(bytes)
    if (address === null) return `an address of ${bytes.length} bytes is neither IPv4 nor canonical IPv6`
    addresses.push(address)
  }
  const keys: WindowKey[] = []
  for (const [index, from] of columns.keySource.entries()) {
    const to = columns.keyDestination[index] ?? 0
    const source = addresses[from - 1]
    const destination = addresses[to - 1]
    if ((source === undefined && from !== 0) || (destination === undefined && to !== 0)) return `key ${index} names an address that is not there`
    if (source !== undefined && destination !== undefined) keys.push({ kind: 'pair', source, destination })
    else if (source !== undefined) keys.push({ kind: 'fan-out', source })
    else if (destination !== undefined) keys.push({ kind: 'fan-in', destination })
    else return `key ${index} has neither source nor destination`
  }
  return keys
}

/** What a window promises beyond its shape: known step and key, finite features, real ports. */
function checkValues (columns: WindowColumns, steps: readonly Step[], keys: readonly WindowKey[]): string | null {
  let ports = 0
  let fans = 0
  let uses = 0
  for (let row = 0; row < columns.key.length; row++) {
    const key = keys[at(columns.key, row)]
    const step = steps[at(columns.step, row)]
    if (key === undefined) return `window ${row} names a key that is not there`
    if (step === undefined) return `window ${row} names a step that is not there`
    if (at(columns.age, row) > step.newest) return `window ${row} is older than time`
    if (at(columns.firstPacketUs, row) >= step.stepMs * 1000) return `window ${row} has its first packet after its end`
    if ((at(columns.quality, row) & ~ALL_QUALITY) !== 0) return `window ${row} has unknown quality bits`
    if (at(columns.features, row * FEATURES.length + RATIO) > 1) return `window ${row} has a failed_conn_ratio above 1`
    const named = at(columns.portCount, row)
    if (named > MAX_NAMED_PORTS) return `window ${row} names ${named} ports, more than ${MAX_NAMED_PORTS}`
    ports += named
    const told = at(columns.useCount, row)
    if (told > 0 && (key.kind !== 'pair' || step.stepMs !== USES_STEP_MS)) return `window ${row} tells of ports, which only a pair in ${USES_STEP_MS} ms does`
    uses += Math.max(0, told - 1)
    if (key.kind !== 'pair') fans++
  }
  if (uses !== columns.usePort.length) return `use_count adds up to ${uses}, but ${columns.usePort.length} uses are there`
  if (ports !== columns.port.length) return `port_count adds up to ${ports}, but ${columns.port.length} ports are there`
  if (fans * SKETCH_BYTES !== columns.peerSketches.length) {
    return `peer_sketches has ${columns.peerSketches.length} bytes where ${fans} windows of fan keys need ${fans * SKETCH_BYTES}`
  }
  if (!columns.features.every((value) => value >= 0 && value < Infinity)) return 'a feature is negative or not a number'
  if (![...columns.port, ...columns.usePort].every((port) => port <= 0xffff)) return 'a port is above 65535'
  if (!columns.useProtocol.every((protocol) => protocol <= 0xff)) return 'a protocol is above 255'
  if (![...columns.useBytesSent, ...columns.useBytesReceived].every((bytes) => Number.isSafeInteger(bytes) && bytes >= 0)) return 'the bytes at a port are no whole number'
  return null
}

/** 0.7 us a window; iterators and `from` in place of the plain loops take twice that. */
function decodeRows (columns: WindowColumns, steps: readonly Step[], keys: readonly WindowKey[]): Window[] {
  const windows: Window[] = []
  let port = 0
  let fan = 0
  let use = 0
  for (let row = 0; row < columns.key.length; row++) {
    const key = keys[at(columns.key, row)]
    const step = steps[at(columns.step, row)]
    if (key === undefined || step === undefined) continue // checkValues has refused these
    const ports: Array<Window['ports'][number]> = []
    for (let named = at(columns.portCount, row); named > 0; named--, port++) {
      ports.push({ port: at(columns.port, port), packets: at(columns.portPackets, port) })
    }
    const told = at(columns.useCount, row)
    const number = step.newest - at(columns.age, row)
    windows.push({
      key,
      stepMs: step.stepMs,
      firstPacketMs: (number * step.stepMs * 1000 + at(columns.firstPacketUs, row)) / 1000,
      number,
      features: rowOf(columns.features, row, FEATURES.length),
      counters: rowOf(columns.counters, row, COUNTERS.length),
      ports,
      ...(told > 0 && { uses: decodeUses(columns, use, use += told - 1) }),
      ...(at(columns.proved, row) > 0 && { proved: at(columns.proved, row) - 1 }),
      portSketch: sketchOf(columns.portSketches, row),
      peerSketch: key.kind === 'pair' ? new Uint8Array(SKETCH_BYTES) : sketchOf(columns.peerSketches, fan++),
      quality: at(columns.quality, row),
    })
  }
  return windows
}

const decodeUses = (columns: WindowColumns, from: number, to: number): PortUse[] => columns.usePort.slice(from, to).map((port, index) => ({
  protocol: at(columns.useProtocol, from + index),
  port,
  begun: at(columns.useBegun, from + index),
  carried: at(columns.useCarried, from + index),
  failed: at(columns.useFailed, from + index),
  bytesSent: at(columns.useBytesSent, from + index),
  bytesReceived: at(columns.useBytesReceived, from + index),
}))

/** The lengths were checked, so nothing is missing. */
const at = (column: readonly number[], index: number): number => column[index] ?? 0

function rowOf (column: readonly number[], row: number, width: number): Float64Array {
  const values = new Float64Array(width)
  for (let index = 0; index < width; index++) values[index] = at(column, row * width + index)
  return values
}

/** A copy: the column is a view of the whole message, which must not live as long as one window of it. */
const sketchOf = (column: Uint8Array, row: number): Uint8Array => {
  const sketch = new Uint8Array(SKETCH_BYTES)
  for (let index = 0, from = row * SKETCH_BYTES; index < SKETCH_BYTES; index++) sketch[index] = column[from + index] ?? 0
  return sketch
}
