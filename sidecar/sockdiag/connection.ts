import { DECISION_MS } from '../../src/core/flow/attempts.ts'
import { NOTHING, type Outcome, type Tally } from '../connections/tally.ts'
import type { SocketReport } from './socket-report.ts'

/** How a connection came to its end. */
export type End = 'refused' | 'unanswered' | 'closed' | 'reset'

const OUR_FIN: ReadonlySet<string> = new Set(['FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSING', 'LAST-ACK'])
const PEER_FIN: ReadonlySet<string> = new Set(['CLOSE-WAIT', 'CLOSING', 'LAST-ACK'])

/** Whether the handshake was finished: the socket has counters that only an established one has. */
const isEstablished = ({ state, counts }: SocketReport, outbound: boolean): boolean =>
  state !== 'SYN-SENT' && state !== 'SYN-RECV' && (!outbound || counts.bytes_acked > 0)

/**
 * How a socket ended, from its last counters. `bytes_acked` counts our SYN (where we began) and our FIN as a byte each, so a FIN that was
 * acknowledged shows, and a connection that ended without one was reset.
 */
export function endOf (report: SocketReport, outbound: boolean): End {
  const { counts } = report
  if (!isEstablished(report, outbound)) return counts.segs_in > 0 ? 'refused' : 'unanswered'
  return counts.bytes_acked - (counts.bytes_sent - counts.bytes_retrans) - (outbound ? 1 : 0) >= 1 ? 'closed' : 'reset'
}

/** `end` where the socket has ended. Every number is the kernel's own count, but for the flags, which follow from states. */
export function tallyOf (report: SocketReport, outbound: boolean, end: End | null): Tally {
  const { counts, state } = report
  // Of a request that waits for its third packet the kernel tells no counters: a SYN came and a SYN-ACK went.
  if (state === 'SYN-RECV') return { ...NOTHING, sentPackets: 1, receivedPackets: 1, syn: 1, ack: 1 }
  const established = isEstablished(report, outbound)
  const ourFin = end === 'closed' || OUR_FIN.has(state)
  const peerFin = end === 'closed' || PEER_FIN.has(state)
  const out = counts.segs_out + (outbound ? 0 : 1) // the SYN-ACK left before there was a socket to count it
  const inward = counts.segs_in
  // `bytes_received` counts the peer's FIN as a byte.
  const inBytes = counts.data_segs_in === 0 ? 0 : Math.max(0, counts.bytes_received - (peerFin ? 1 : 0))
  const syn = established ? 1 : Math.max(1, counts.segs_out)
  return {
    sentBytes: outbound ? counts.bytes_sent : inBytes,
    receivedBytes: outbound ? inBytes : counts.bytes_sent,
    sentPackets: outbound ? out : inward,
    receivedPackets: outbound ? inward : out,
    syn,
    ack: Math.max(0, out + inward - syn),
    rst: end === 'reset' || end === 'refused' ? 1 : 0,
    fin: (ourFin ? 1 : 0) + (peerFin ? 1 : 0),
  }
}

/**
 * CONTRACTS, `failed_conn_ratio`, from what a socket tells.
 *
 * | socket | then |
 * | --- | --- |
 * | SYN-SENT for 1 s; ended without any answer | failed, unanswered |
 * | ended by an answer that was no SYN-ACK | failed |
 * | SYN-RECV for 1 s | half open |
 * | the responder sent payload; established for 1 s | succeeded |
 * | ended within 1 s, no payload from the responder: closed by the responder | failed |
 * | … closed by the initiator | never decided |
 *
 * `weClosed`: our end closed first (it is in TIME-WAIT); null where that is not known.
 */
export function outcomeOf (report: SocketReport, outbound: boolean, ageMs: number, end: End | null, weClosed: boolean | null): Outcome {
  const { counts, state } = report
  if (end === 'refused') return 'failed'
  if (end === 'unanswered') return 'unanswered'
  if (state === 'SYN-SENT') return ageMs >= DECISION_MS ? 'unanswered' : null
  if (state === 'SYN-RECV') return ageMs >= DECISION_MS ? 'half-open' : null
  if ((outbound ? counts.data_segs_in : counts.data_segs_out) > 0 || ageMs >= DECISION_MS) return 'succeeded'
  if (end === 'closed' && weClosed !== null) return weClosed === outbound ? null : 'failed'
  if (end === 'reset') return weReset(report, outbound) === outbound ? null : 'failed'
  return null
}

/** Who reset a connection on which the responder had sent nothing: one packet more than the handshake's went out, or came in. */
function weReset ({ counts }: SocketReport, outbound: boolean): boolean {
  return outbound ? counts.segs_in <= 1 : counts.segs_out > 0
}

/** Milliseconds since the last packet of an established socket; `lastack` is set by every segment that acknowledges something. */
export const quietMs = ({ counts: { lastsnd, lastrcv, lastack } }: SocketReport): number => Math.min(lastsnd, lastrcv, lastack)

/** The kernel's first wait for an answer to a SYN or SYN-ACK (TCP_TIMEOUT_INIT, RFC 6298 section 2). */
const FIRST_TIMEOUT_MS = 1_000

/**
 * How long a socket has been there at least, in milliseconds, as far as the kernel tells. Established ones: both quiet times begin
 * with the handshake. Those that never were: their first timer, or nothing.
 */
export function ageMs (socket: SocketReport, outbound: boolean): number {
  const { counts, timer } = socket
  if (isEstablished(socket, outbound)) return Math.max(counts.lastsnd, counts.lastrcv)
  return timer?.runs === 0 ? Math.max(0, FIRST_TIMEOUT_MS - timer.leftMs) : 0
}
