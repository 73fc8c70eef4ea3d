import { addressNumber, readPackets } from './packets.ts'
import type { LabPacket } from './packets.ts'
import type { Leg } from './attacks/plan.ts'
import type { AttackClass } from '../../src/core/classes.ts'
import type { Settings } from './world.ts'

/** Times of `firstPacketMs` and `lastPacketMs` are of the capture, in milliseconds since 1970; null where no packet was seen. */
interface Seen { packets: number, firstPacketMs: number | null, lastPacketMs: number | null }

/** The flows that `source` opens towards `destination` on `ports` while the attack runs. */
export interface LegLabel extends Omit<Leg, 'source'>, Seen {
  /** An address; `*`: forged addresses, any that is no pod's. */
  source: string
  kind: 'pair' | 'fan-in'
}

export interface AttackLabel extends Seen {
  id: string
  class: AttackClass
  tool: string
  command: string
  attacker: string
  attackers: string[]
  victims: string[]
  spoofed: boolean
  /** When the tool was started and had ended. */
  startedMs: number
  endedMs: number
  /** The last packet of the attack's flows, which may come long after the attack: answers that were repeated. */
  residueUntilMs: number | null
  legs: LegLabel[]
}

export interface RunLabels {
  run: string
  seed: number
  scenario: string
  startedMs: number
  endedMs: number
  /** Never train on it. */
  holdout: boolean
  capture: { packets: number, droppedByKernel: number, snapBytes: number }
  pods: { name: string, address: string, addresses: string[], roles: string[] }[]
  attacks: AttackLabel[]
  /** The ordinary traffic: what ran in which pod. */
  benign: { name: string, pod: string, does: string }[]
  settings: Settings
}

export interface Attacked { startedMs: number, endedMs: number, legs: readonly Leg[] }

const PROTOCOLS = { icmp: 1, tcp: 6, udp: 17 } as const

/** Packets that were on their way when the tool was started or ended. */
const SLACK_MS = 300

interface Watch { matches (from: number, to: number, port: number, protocol: number): boolean, seen: Seen, residueUntilMs: number | null, startedMs: number, endedMs: number }

function watch (leg: Leg, attack: Attacked, pods: ReadonlySet<number>): Watch {
  const [network, bits] = leg.destination.split('/')
  const mask = bits === undefined ? 0xffffffff : (0xffffffff << (32 - Number(bits))) >>> 0
  const destination = (addressNumber(network ?? '') & mask) >>> 0
  const source = leg.source === null ? null : addressNumber(leg.source)
  const ports = leg.ports === null ? null : new Set(leg.ports)
  const protocol = PROTOCOLS[leg.protocol]
  return {
    seen: { packets: 0, firstPacketMs: null, lastPacketMs: null },
    residueUntilMs: null,
    startedMs: attack.startedMs,
    endedMs: attack.endedMs,
    matches: (from, to, port, used) => used === protocol && ((to & mask) >>> 0) === destination && (ports === null || ports.has(port)) &&
      (source === null ? !pods.has(from) : from === source) && (bits === undefined || !pods.has(to)),
  }
}

function note (one: Watch, packet: LabPacket, flowStartedMs: number): void {
  // A flow that was there before the tool is not the tool's.
  if (flowStartedMs < one.startedMs - 5 || flowStartedMs > one.endedMs + SLACK_MS) return
  one.residueUntilMs = packet.atMs
  if (packet.atMs > one.endedMs + SLACK_MS) return
  one.seen.packets++
  one.seen.firstPacketMs ??= packet.atMs
  one.seen.lastPacketMs = packet.atMs
}

/**
 * Finds each attack's packets in the capture: those of flows that one of its legs opened while its tool ran, both directions.
 * The answer has the order of `attacks`, and in each that of its legs.
 */
export function findAttackPackets (capture: Buffer, attacks: readonly Attacked[], podAddresses: readonly string[]): { legs: Seen[], residueUntilMs: number | null }[] {
  const pods = new Set(podAddresses.map(addressNumber))
  const watches = attacks.map((attack) => attack.legs.map((leg) => watch(leg, attack, pods)))
  const flat = watches.flat()
  const flowStarts = new Map<string, number>()
  for (const packet of readPackets(capture)) {
    const { source, destination, sourcePort, destinationPort, protocol, atMs } = packet
    const forward = flat.filter((one) => one.matches(source, destination, destinationPort, protocol))
    const backward = flat.filter((one) => one.matches(destination, source, sourcePort, protocol))
    if (forward.length + backward.length === 0) continue
    const key = source < destination || (source === destination && sourcePort < destinationPort)
      ? `${source}:${sourcePort}>${destination}:${destinationPort}/${protocol}`
      : `${destination}:${destinationPort}>${source}:${sourcePort}/${protocol}`
    const started = flowStarts.get(key) ?? atMs
    flowStarts.set(key, started)
    for (const one of new Set([...forward, ...backward])) note(one, packet, started)
  }
  return watches.map((legs) => ({ legs: legs.map((leg) => leg.seen), residueUntilMs: latest(legs.map((leg) => leg.residueUntilMs)) }))
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
