import { decodePacket } from '../../../src/core/flow/decode.ts'
import { FlowTracker } from '../../../src/core/flow/flow-tracker.ts'
import { LINK_TYPES } from '../../../src/core/flow/link-layer.ts'
import { DECODED_NAMES, PACKET_WORDS } from '../../../src/core/flow/packet.ts'
import { addressText } from '../../../src/core/flow/address.ts'

export interface At {
  readonly at: number
  /** Raw IP. */
  readonly packet: Uint8Array
}

export interface Followed {
  /** What was decided, as 'failed@700', in the order of deciding. */
  readonly events: string[]
  /** For each packet: the ordinal of its flow (1 for the first) and its direction, as '1>' or '1<'; '-' for one without flow. */
  readonly flows: string[]
  /** Initiator, responder and responder's port of each flow that was opened. */
  readonly opened: string[]
  readonly tracker: FlowTracker
}

/** Gives raw IP packets to a flow tracker and writes down what it makes of them; then lets time pass until `until`. */
export function follow (packets: readonly At[], { until = 10_000, maxFlows = 64 }: { readonly until?: number, readonly maxFlows?: number } = {}): Followed {
  const events: string[] = []
  const flows: string[] = []
  const opened: string[] = []
  const ordinals = new Map<number, number>()
  const note = (event: string, atMs: number): void => { events.push(`${event}@${atMs}`) }
  const tracker = new FlowTracker(maxFlows, 1, {
    opened: (slot) => {
      const ends = new Int32Array(8)
      tracker.table.copyEnds(slot, ends)
      opened.push(`${addressText(ends, 0)}>${addressText(ends, 4)}:${tracker.table.responderPort(slot)}`)
      ordinals.set(slot, opened.length)
    },
    released: (slot) => ordinals.delete(slot),
    decided: (_slot, atMs, failed) => note(failed ? 'failed' : 'succeeded', atMs),
    halfOpen: (_slot, atMs) => note('half-open', atMs),
    unanswered: (_slot, atMs, count) => note(`unanswered:${count}`, atMs),
    proven: () => undefined,
  })
  const row = new Int32Array(PACKET_WORDS)
  for (const { at, packet } of packets) {
    const view = new DataView(packet.buffer, packet.byteOffset, packet.length)
    const decoded = decodePacket(view, 0, packet.length, packet.length, LINK_TYPES.raw, row)
    if (decoded !== 0) throw new Error(`a packet of the test cannot be decoded: ${DECODED_NAMES[decoded] ?? ''}`)
    tracker.advance(at)
    const slot = tracker.track(row, at)
    flows.push(slot < 0 ? '-' : `${ordinals.get(slot) ?? 0}${tracker.sent ? '>' : '<'}`)
  }
  tracker.advance(until)
  return { events, flows, opened, tracker }
}
