import type { Leg } from './attacks/plan.ts'
import { addressNumber, readPackets } from './packets.ts'
import type { LabPacket } from './packets.ts'

/** Times are of the capture, in milliseconds since 1970; null where no packet was seen. */
export interface Seen { packets: number, firstPacketMs: number | null, lastPacketMs: number | null }

export interface Attacked { startedMs: number, endedMs: number, legs: readonly Leg[] }

/** `sent`: packets in the leg's own direction. `timeline`: packets by 0.5 s window, as LegLabel has it. */
export type SeenLeg = Seen & { sent: number, timeline: [number, number][] }

const PROTOCOLS = { icmp: 1, tcp: 6, udp: 17 } as const
const WINDOW_MS = 500

/** Packets that were on their way when the tool was started or ended. */
const SLACK_MS = 300

interface Watch { matches (from: number, to: number, port: number, protocol: number): boolean, seen: Seen, sent: number, windows: Map<number, number>, residueUntilMs: number | null, startedMs: number, endedMs: number }

function watch (leg: Leg, attack: Attacked, pods: ReadonlySet<number>): Watch {
  const [network, bits] = leg.destination.split('/')
  const mask = bits === undefined ? 0xffffffff : (0xffffffff << (32 - Number(bits))) >>> 0
  const destination = (addressNumber(network ?? '') & mask) >>> 0
  const source = leg.source === null ? null : addressNumber(leg.source)
  const ports = leg.ports === null ? null : new Set(leg.ports)
  const protocol = PROTOCOLS[leg.protocol]
  return {
    seen: { packets: 0, firstPacketMs: null, lastPacketMs: null },
    sent: 0,
    windows: new Map(),
    residueUntilMs: null,
    startedMs: attack.startedMs,
    endedMs: attack.endedMs,
    matches: (from, to, port, used) => used === protocol && ((to & mask) >>> 0) === destination && (ports === null || ports.has(port)) &&
      (source === null ? !pods.has(from) : from === source) && (bits === undefined || !pods.has(to)),
  }
}

interface Flow { readonly startedMs: number, ordinary: boolean }

function note (one: Watch, packet: LabPacket, flow: Flow, direction: 'forward' | 'backward'): void {
  // A flow that was there before the tool is not the tool's, nor is one that ordinary work has opened.
  if (flow.ordinary || flow.startedMs < one.startedMs - 5 || flow.startedMs > one.endedMs + SLACK_MS) return
  one.residueUntilMs = packet.atMs
  if (packet.atMs > one.endedMs + SLACK_MS) return
  one.seen.packets++
  if (direction === 'forward') one.sent++
  one.seen.firstPacketMs ??= packet.atMs
  one.seen.lastPacketMs = packet.atMs
  const window = Math.floor(packet.atMs / WINDOW_MS)
  one.windows.set(window, (one.windows.get(window) ?? 0) + 1)
}

/**
 * Finds each attack's packets in the capture: those of flows that one of its legs opened while its tool ran, both directions, less the
 * flows of ordinary work, whose packets are marked. The answer has the order of `attacks`, and in each that of its legs.
 */
export function findAttackPackets (capture: Buffer, attacks: readonly Attacked[], podAddresses: readonly string[], runStartedMs: number): { legs: SeenLeg[], residueUntilMs: number | null }[] {
  const pods = new Set(podAddresses.map(addressNumber))
  const watches = attacks.map((attack) => attack.legs.map((leg) => watch(leg, attack, pods)))
  const flat = watches.flat()
  const flows = new Map<string, Flow>()
  for (const packet of readPackets(capture)) {
    const { source, destination, sourcePort, destinationPort, protocol, atMs } = packet
    const forward = flat.filter((one) => one.matches(source, destination, destinationPort, protocol))
    const backward = flat.filter((one) => one.matches(destination, source, sourcePort, protocol))
    if (forward.length + backward.length === 0) continue
    const key = source < destination || (source === destination && sourcePort < destinationPort)
      ? `${source}:${sourcePort}>${destination}:${destinationPort}/${protocol}`
      : `${destination}:${destinationPort}>${source}:${sourcePort}/${protocol}`
    const flow = flows.get(key) ?? { startedMs: atMs, ordinary: false }
    flow.ordinary ||= packet.ordinary
    flows.set(key, flow)
    for (const one of new Set([...forward, ...backward])) note(one, packet, flow, forward.includes(one) ? 'forward' : 'backward')
  }
  const first = Math.floor(runStartedMs / WINDOW_MS)
  return watches.map((legs) => ({
    legs: legs.map(({ seen, sent, windows }) => ({ ...seen, sent, timeline: [...windows].map(([window, packets]): [number, number] => [window - first, packets]) })),
    residueUntilMs: latest(legs.map((leg) => leg.residueUntilMs)),
  }))
}

const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null)
const latest = (values: readonly (number | null)[]): number | null => known(values).length > 0 ? Math.max(...known(values)) : null

export function sumOf (legs: readonly Seen[]): Seen {
  const first = known(legs.map((leg) => leg.firstPacketMs))
  return {
    packets: legs.reduce((sum, leg) => sum + leg.packets, 0),
    firstPacketMs: first.length > 0 ? Math.min(...first) : null,
    lastPacketMs: latest(legs.map((leg) => leg.lastPacketMs)),
  }
}
