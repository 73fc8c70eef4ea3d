import { COUNTERS, FEATURES, KEY_KINDS, QUALITY, STEPS_MS, type FeatureName, type KeyKind, type StepMs, type Window } from '../window/window.ts'
import { PORT_CLASSES, portClassIndex } from './port-class.ts'

/**
 * What goes to the model beside the [20 x 12] tensor, in this order. Raw values over the tensor's whole span:
 * packets are counts, payloads bytes a packet, shares 0..1, distinct counts estimates from united sketches.
 * A change of name, order or meaning makes a new model necessary: the manifest holds the names that it was trained with.
 */
export const CONTEXT_COLUMNS: readonly string[] = [
  ...KEY_KINDS.map((kind) => `kind_${kind.replace('-', '_')}`),
  ...STEPS_MS.map((step) => `step_${step}ms`),
  ...PORT_CLASSES.map((name) => `port_${name}`),
  'share_tcp', 'share_udp', 'share_icmp',
  'packets_sent', 'packets_received', 'mean_payload_sent', 'mean_payload_received',
  'half_open', 'unanswered', 'distinct_ports', 'distinct_peers', 'active_windows',
]

/** What is kept of each window for the context, and summed over the span: its counters, packets by class of responder port, and these. The last is no column of the context. */
const BYTES_SENT = COUNTERS.length + PORT_CLASSES.length
const BYTES_RECEIVED = BYTES_SENT + 1
const ACTIVE = BYTES_SENT + 2
export const UNPROVED = BYTES_SENT + 3
export const SPAN_WIDTH = BYTES_SENT + 4

const counterAt = Object.fromEntries(COUNTERS.map((name, index) => [name, index])) as Record<(typeof COUNTERS)[number], number>
const featureAt = (name: FeatureName): number => FEATURES.indexOf(name)
const [FLOWS_FEATURE, SENT_FEATURE, RECEIVED_FEATURE] = [featureAt('flow_count'), featureAt('bytes_sent'), featureAt('bytes_received')]

/** Writes SPAN_WIDTH values of one window at `offset`, whose place must be zero before. */
export function writeSpanRow (window: Window, out: Float32Array, offset: number): void {
  out.set(window.counters, offset)
  for (const { port, packets } of window.ports) {
    const at = offset + COUNTERS.length + portClassIndex(port)
    out[at] = (out[at] ?? 0) + packets
  }
  out[offset + BYTES_SENT] = window.features[SENT_FEATURE] ?? 0
  out[offset + BYTES_RECEIVED] = window.features[RECEIVED_FEATURE] ?? 0
  out[offset + ACTIVE] = 1
  out[offset + UNPROVED] = unprovedIn(window)
}

/** Flows whose source is not known to be real. Who sees no packets sees no forged ones; who sees them and does not tell proves nothing. */
function unprovedIn ({ features, quality, proved }: Window): number {
  if ((quality & QUALITY.flagsMissing) !== 0) return 0
  return (features[FLOWS_FEATURE] ?? 0) - (proved ?? 0)
}

/** Sums over a tensor's span: SPAN_WIDTH values, and distinct counts that cannot be summed. */
export interface Span {
  readonly sums: Float64Array
  readonly distinctPorts: number
  readonly distinctPeers: number
}

const ratio = (part: number, whole: number): number => whole > 0 ? part / whole : 0

/** Writes CONTEXT_COLUMNS.length values at `offset`. */
export function writeContext (kind: KeyKind, stepMs: StepMs, { sums, distinctPorts, distinctPeers }: Span, out: Float32Array, offset: number): void {
  let at = offset
  for (const each of KEY_KINDS) out[at++] = each === kind ? 1 : 0
  for (const each of STEPS_MS) out[at++] = each === stepMs ? 1 : 0

  let onPorts = 0
  for (let column = COUNTERS.length; column < BYTES_SENT; column++) onPorts += sums[column] ?? 0
  for (let column = COUNTERS.length; column < BYTES_SENT; column++) out[at++] = ratio(sums[column] ?? 0, onPorts)

  const sent = sums[counterAt.packets_sent] ?? 0
  const received = sums[counterAt.packets_received] ?? 0
  out[at++] = ratio(sums[counterAt.tcp_packets] ?? 0, sent + received)
  out[at++] = ratio(sums[counterAt.udp_packets] ?? 0, sent + received)
  out[at++] = ratio(sums[counterAt.icmp_packets] ?? 0, sent + received)
  out[at++] = sent
  out[at++] = received
  out[at++] = ratio(sums[BYTES_SENT] ?? 0, sent)
  out[at++] = ratio(sums[BYTES_RECEIVED] ?? 0, received)
  out[at++] = sums[counterAt.half_open] ?? 0
  out[at++] = sums[counterAt.unanswered] ?? 0
  out[at++] = distinctPorts
  out[at++] = distinctPeers
  out[at++] = sums[ACTIVE] ?? 0
}
