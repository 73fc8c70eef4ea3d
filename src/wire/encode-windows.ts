import { create } from '@bufbuild/protobuf'
import { SKETCH_BYTES, windowStartMs, type StepMs, type Window, type WindowKey } from '../core/window/window.ts'
import { addressToBytes } from './address.ts'
import { WindowColumnsSchema, type WindowColumns } from './gen/windows_pb.ts'

const MAX_UINT32 = 0xffff_ffff

/** For each step that is watched, the number of the newest closed window. */
export type StepClocks = ReadonlyMap<StepMs, number>

/**
 * Columns of `windows`, in their order. Features become 32-bit floats, which is what the model reads; counters are
 * whole numbers and stop at 2^32 - 1; times are whole microseconds. No window may be newer than its step's clock; steps without a clock get one from
 * their newest window. An address that is none is a defect of the caller and throws a RangeError.
 */
export function encodeWindows (windows: readonly Window[], clocks: StepClocks = new Map()): WindowColumns {
  const columns = create(WindowColumnsSchema)
  const newest = newestOf(windows, clocks)
  const stepIndex = new Map<StepMs, number>()
  for (const [stepMs, number] of newest) {
    stepIndex.set(stepMs, columns.steps.length)
    columns.steps.push({ $typeName: 'autoshield.wire.v1.StepClock', stepMs, newest: BigInt(number) })
  }
  const keyIndex = new KeyTable(columns)
  const portSketches = new Uint8Array(windows.length * SKETCH_BYTES)
  const peerSketches = new Uint8Array(windows.length * SKETCH_BYTES)
  let peerBytes = 0
  for (const [row, window] of windows.entries()) {
    columns.key.push(keyIndex.of(window.key))
    columns.step.push(stepIndex.get(window.stepMs) ?? 0)
    columns.age.push((newest.get(window.stepMs) ?? 0) - window.number)
    columns.firstPacketUs.push(firstPacketUs(window))
    for (const value of window.features) columns.features.push(value)
    for (const value of window.counters) columns.counters.push(Math.min(Math.round(value), MAX_UINT32))
    columns.quality.push(window.quality)
    columns.proved.push(window.proved === undefined ? 0 : Math.min(1 + Math.round(window.proved), MAX_UINT32))
    columns.portCount.push(window.ports.length)
    for (const { port, packets } of window.ports) {
      columns.port.push(port)
      columns.portPackets.push(Math.min(packets, MAX_UINT32))
    }
    encodeUses(columns, window.uses)
    portSketches.set(window.portSketch, row * SKETCH_BYTES)
    if (window.key.kind === 'pair') continue
    peerSketches.set(window.peerSketch, peerBytes)
    peerBytes += SKETCH_BYTES
  }
  columns.portSketches = portSketches
  columns.peerSketches = peerSketches.subarray(0, peerBytes)
  return columns
}

function encodeUses (columns: WindowColumns, uses: Window['uses']): void {
  columns.useCount.push(uses === undefined ? 0 : 1 + uses.length)
  for (const { protocol, port, begun, carried, failed, bytesSent, bytesReceived } of uses ?? []) {
    columns.useProtocol.push(protocol)
    columns.usePort.push(port)
    columns.useBegun.push(begun)
    columns.useCarried.push(carried)
    columns.useFailed.push(failed)
    columns.useBytesSent.push(bytesSent)
    columns.useBytesReceived.push(bytesReceived)
  }
}

/** Rounded, but never out of the window. */
function firstPacketUs (window: Window): number {
  const us = Math.round((window.firstPacketMs - windowStartMs(window)) * 1000)
  return Math.min(Math.max(us, 0), window.stepMs * 1000 - 1)
}

function newestOf (windows: readonly Window[], clocks: StepClocks): Map<StepMs, number> {
  const newest = new Map(clocks)
  for (const { stepMs, number } of windows) {
    if (number > (newest.get(stepMs) ?? -1)) newest.set(stepMs, number)
  }
  return newest
}

/** Gives each key its place in the columns, adding it, and its addresses, where they are new. */
class KeyTable {
  readonly #columns: WindowColumns
  readonly #addresses = new Map<string, number>()
  readonly #keys = new Map<number, number>()

  constructor (columns: WindowColumns) {
    this.#columns = columns
  }

  of (key: WindowKey): number {
    const source = key.kind === 'fan-in' ? 0 : this.#address(key.source)
    const destination = key.kind === 'fan-out' ? 0 : this.#address(key.destination)
    const id = source * MAX_UINT32 + destination
    const known = this.#keys.get(id)
    if (known !== undefined) return known
    this.#columns.keySource.push(source)
    this.#columns.keyDestination.push(destination)
    this.#keys.set(id, this.#keys.size)
    return this.#keys.size - 1
  }

  /** 1 + the address's index. */
  #address (text: string): number {
    const known = this.#addresses.get(text)
    if (known !== undefined) return known
    const bytes = addressToBytes(text)
    if (bytes === null) throw new RangeError(`'${text}' in a window's key is no address`)
    const index = this.#columns.addresses.push(bytes)
    this.#addresses.set(text, index)
    return index
  }
}
