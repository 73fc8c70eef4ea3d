import type { SourceEvidence } from '../safety/safety.ts'
import { COUNTERS, FEATURES } from '../window/window.ts'
import type { Pod } from '../pod.ts'
import type { Score } from './score.ts'

const BYTES_RECEIVED = FEATURES.indexOf('bytes_received')
const TCP_PACKETS = COUNTERS.indexOf('tcp_packets')
const UDP_PACKETS = COUNTERS.indexOf('udp_packets')

/**
 * Whether the source of a score can be who it says it is. Anybody can send packets with a forged source address, but
 * only the true owner gets the answers that a TCP handshake needs, and only the owner's own observer sees it send.
 *
 * | payload from the responder over TCP | reporter is the source's own observer | may be restricted |
 * | --- | --- | --- |
 * | yes | - | yes |
 * | no | yes | yes |
 * | no | no | no: dealt with at the victim |
 *
 * A replaying observer is trusted for every address of its capture, and what rests on it is only simulated.
 * Windows that mix UDP in prove nothing: the responder's bytes may have gone to a forged address.
 */
export function sourceEvidence (score: Score, source: Pod | null, standsForMany: boolean): SourceEvidence {
  const { features, counters } = score.window
  const answered = (features[BYTES_RECEIVED] ?? 0) > 0 && (counters[TCP_PACKETS] ?? 0) > 0 && (counters[UDP_PACKETS] ?? 0) === 0
  return {
    completedHandshake: score.key.kind !== 'fan-in' && answered,
    confirmedByOwnObserver: score.simulated || (source !== null && score.reporter.endsWith(`/pod/${source.uid}`)),
    standsForMany,
  }
}

/** What is known by now: proof stays proof, doubt stays doubt. */
export const joinEvidence = (a: SourceEvidence, b: SourceEvidence): SourceEvidence => ({
  completedHandshake: a.completedHandshake || b.completedHandshake,
  confirmedByOwnObserver: a.confirmedByOwnObserver || b.confirmedByOwnObserver,
  standsForMany: a.standsForMany || b.standsForMany,
})
