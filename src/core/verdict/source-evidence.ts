import type { SourceEvidence } from '../safety/safety.ts'
import { COUNTERS, FEATURES, QUALITY } from '../window/window.ts'
import type { Pod } from '../pod.ts'
import type { Score } from './score.ts'

const BYTES_RECEIVED = FEATURES.indexOf('bytes_received')
const BYTES_SENT = FEATURES.indexOf('bytes_sent')
const GAPS = FEATURES.indexOf('iat_mean_ms')
const TCP_PACKETS = COUNTERS.indexOf('tcp_packets')
const UDP_PACKETS = COUNTERS.indexOf('udp_packets')

/**
 * Whether the source of a score can be who it says it is. Anybody can send packets with a forged source address, but
 * only the true owner gets the answers that a TCP handshake needs, and only the owner's own observer sees it send.
 *
 * | payload from the responder over TCP | reporter is the source's own observer | it saw its pod begin or say something | may be restricted |
 * | --- | --- | --- | --- |
 * | yes | - | - | yes |
 * | no | yes | yes | yes |
 * | no | yes | no | no: what a victim answers to a forged address comes to its owner, and looks like the end of what that began |
 * | no | no | - | no: dealt with at the victim |
 *
 * A replaying observer is trusted for every address of its capture, and what rests on it is only simulated.
 * Windows that mix UDP in prove nothing: the responder's bytes may have gone to a forged address.
 */
export function sourceEvidence (score: Score, source: Pod | null, standsForMany: boolean): SourceEvidence {
  const { features, counters } = score.window
  const answered = (features[BYTES_RECEIVED] ?? 0) > 0 && (counters[TCP_PACKETS] ?? 0) > 0 && (counters[UDP_PACKETS] ?? 0) === 0
  return {
    completedHandshake: score.key.kind !== 'fan-in' && answered,
    confirmedByOwnObserver: score.simulated || (source !== null && score.reporter.endsWith(`/pod/${source.uid}`) && speaksItself(score)),
    standsForMany,
  }
}

/**
 * Whether the source sent payload, or two packets that begin a connection or are not of TCP: both are counted by direction. A SYN or a
 * reset is not, and a reset answers what nobody asked for. A source that sees sockets and no packets sees no such answers either.
 */
function speaksItself ({ window: { features, quality } }: Score): boolean {
  return (quality & QUALITY.flagsMissing) !== 0 || (features[BYTES_SENT] ?? 0) > 0 || (features[GAPS] ?? 0) > 0
}

/** What is known by now: proof stays proof, doubt stays doubt. */
export const joinEvidence = (a: SourceEvidence, b: SourceEvidence): SourceEvidence => ({
  completedHandshake: a.completedHandshake || b.completedHandshake,
  confirmedByOwnObserver: a.confirmedByOwnObserver || b.confirmedByOwnObserver,
  standsForMany: a.standsForMany || b.standsForMany,
})
