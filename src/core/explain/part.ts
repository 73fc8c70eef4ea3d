import { PORT_CLASSES } from '../tensor/port-class.ts'
import { FEATURES } from '../window/window.ts'

/**
 * What a score can be explained by: a feature, or a part of the context that no feature says. The columns of such a part are moved together,
 * for shares that add up to one cannot be moved alone.
 */
export const CONTEXT_PARTS: Readonly<Record<string, readonly string[]>> = {
  responder_port: PORT_CLASSES.map((name) => `port_${name}`),
  protocol: ['share_tcp', 'share_udp', 'share_icmp'],
  packets: ['packets_sent', 'packets_received'],
}

/** A name of FEATURES or of CONTEXT_PARTS. */
export type Part = string
export const PARTS: readonly Part[] = [...FEATURES, ...Object.keys(CONTEXT_PARTS)]

/**
 * Context columns that say over the span what a feature says of each window. They are brought down in the same proportion,
 * or the model would still read the feature from them and the feature would seem to matter less than it does.
 */
export const RESTATED: Readonly<Record<string, readonly string[]>> = {
  bytes_sent: ['mean_payload_sent'],
  bytes_received: ['mean_payload_received'],
  failed_conn_ratio: ['half_open', 'unanswered'],
  unique_ports: ['distinct_ports', 'distinct_peers'],
}
