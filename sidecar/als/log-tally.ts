import { DECISION_MS } from '../../src/core/flow/attempts.ts'
import type { Outcome, Tally } from '../connections/tally.ts'
import type { ProxyEntry } from './proxy-entry.ts'
import type { Bytes } from './request-bytes.ts'

/** What fits into a segment of the usual 1500-byte path with timestamps. */
const SEGMENT_BYTES = 1_448

/**
 * What the packets of a logged connection must have been since it was last looked at: a handshake where it is new, full segments of what its
 * bytes grew by with every second acknowledged (RFC 9293, section 3.8.6.3), and, where it is over, a FIN each way or a reset. Bytes are the
 * proxy's own count.
 */
export function grownBy ({ sentBytes, receivedBytes }: Bytes, begins: boolean, end: Pick<ProxyEntry, 'brokenBy'> | undefined): Tally {
  const out = Math.ceil(sentBytes / SEGMENT_BYTES)
  const back = Math.ceil(receivedBytes / SEGMENT_BYTES)
  const finish = end?.brokenBy === null ? 2 : 0
  const broken = end !== undefined && end.brokenBy !== null ? 1 : 0
  const syn = begins ? 1 : 0
  const sentPackets = 2 * syn + out + Math.ceil(back / 2) + finish + broken
  const receivedPackets = syn + back + Math.ceil(out / 2) + finish
  return { sentBytes, receivedBytes, sentPackets, receivedPackets, syn, ack: sentPackets + receivedPackets - syn, rst: broken, fin: finish }
}

/**
 * CONTRACTS, `failed_conn_ratio`, from what a proxy logs. The first row that holds counts.
 *
 * | connection | then |
 * | --- | --- |
 * | the application sent payload (or the proxy, for it) | succeeded |
 * | nothing listens where it was to go; the proxy denied or limited it | failed |
 * | open for 1 s | succeeded |
 * | over within 1 s, no payload back, broken off by the application | failed |
 * | over within 1 s, no payload back | never decided: a log does not tell who closed first |
 */
export function outcomeOf ({ receivedBytes, fate, brokenBy }: Pick<ProxyEntry, 'receivedBytes' | 'fate' | 'brokenBy'>, ageMs: number, isOver: boolean): Outcome {
  if (receivedBytes > 0) return 'succeeded'
  if (fate !== 'passed') return 'failed'
  if (ageMs >= DECISION_MS) return 'succeeded'
  return isOver && brokenBy === 'responder' ? 'failed' : null
}
