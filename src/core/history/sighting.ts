import { PROTOCOLS } from '../flow/packet.ts'
import { USES_STEP_MS } from '../window/port-uses.ts'
import type { PortUse } from '../window/window.ts'
import { COUNTERS, FEATURES, type Window } from '../window/window.ts'

/** Which end the observer's pod is; a recording shows both. */
export const WITNESSES = ['source', 'destination', 'recording'] as const
export type Witness = (typeof WITNESSES)[number]

/** What one observer saw a pair do at one port in one minute. */
export interface FlowSighting {
  /** Unix time / 60 s. */
  readonly minute: number
  /** Addresses as packets carried them: a Service's, where the observer stands before its translation. */
  readonly source: string
  readonly destination: string
  readonly witness: Witness
  /** UID of the observer's pod, by its certificate; empty for a recording. */
  readonly pod: string
  readonly use: PortUse
}

export const MINUTE_MS = USES_STEP_MS

/** The sightings of a batch's windows. Only pairs in 60 s tell of them, so nothing is told twice. */
export function sightingsOf (windows: readonly Window[], pod: string, witnessOf: (destination: string) => Witness): FlowSighting[] {
  return windows.flatMap((window) => {
    const { key, stepMs, number } = window
    if (key.kind !== 'pair' || stepMs !== MINUTE_MS) return []
    const { source, destination } = key
    const witness = witnessOf(destination)
    return (window.uses ?? estimatedUses(window)).map((use): FlowSighting => ({ minute: number, source, destination, witness, pod, use }))
  })
}

const feature = ({ features }: Window, name: (typeof FEATURES)[number]): number => features[FEATURES.indexOf(name)] ?? 0
const counter = ({ counters }: Window, name: (typeof COUNTERS)[number]): number => counters[COUNTERS.indexOf(name)] ?? 0

/**
 * Uses of a window whose source is of a version that does not tell them: the protocol of most packets, and the flows by each named
 * port's share of the packets. Exact where a pair uses one port.
 */
export function estimatedUses (window: Window): PortUse[] {
  const protocols = [[PROTOCOLS.tcp, counter(window, 'tcp_packets')], [PROTOCOLS.udp, counter(window, 'udp_packets')], [PROTOCOLS.icmp, counter(window, 'icmp_packets')]] as const
  const [protocol] = protocols.reduce((most, other) => other[1] > most[1] ? other : most)
  const flows = feature(window, 'flow_count')
  const failed = Math.round(feature(window, 'failed_conn_ratio') * flows)
  const begun = protocol === PROTOCOLS.tcp ? Math.min(flows, feature(window, 'syn_count')) : flows
  const ports = protocol === PROTOCOLS.icmp ? [] : window.ports
  const packets = ports.reduce((sum, port) => sum + port.packets, 0)
  const shares = packets === 0 ? [{ port: 0, share: 1 }] : ports.map((port) => ({ port: port.port, share: port.packets / packets }))
  return shares.map(({ port, share }) => {
    const all = Math.max(1, Math.round(flows * share))
    const fresh = Math.min(all, Math.round(begun * share))
    return {
      protocol,
      port,
      begun: fresh,
      carried: all - fresh,
      failed: Math.round(failed * share),
      bytesSent: Math.round(feature(window, 'bytes_sent') * share),
      bytesReceived: Math.round(feature(window, 'bytes_received') * share),
    }
  })
}
