import type { SourceEvidence } from '../safety/safety.ts'
import { COUNTERS, FEATURES, type WindowKey } from '../window/window.ts'
import type { Pod } from '../pod.ts'
import type { Score } from './score.ts'

const FLOWS = FEATURES.indexOf('flow_count')
const BYTES_RECEIVED = FEATURES.indexOf('bytes_received')
const TCP_PACKETS = COUNTERS.indexOf('tcp_packets')
const UDP_PACKETS = COUNTERS.indexOf('udp_packets')
/** One flow in so many may be unproved: some are still to be answered when a window closes. */
const FLOWS_PER_DOUBT = 20

/**
 * Whether the source of a score can be who it says it is. Anybody can send packets with a forged source address, so what counts are the
 * flows that were scored themselves, in all windows of the tensor: that a pod also has honest flows with the same victim says nothing of
 * the others. Which flows are proved is `FlowProofs`' to say, at either end.
 *
 * | reporter is the source's own observer | its tensor's flows are proved, but one in twenty | payload came back over TCP alone | may be restricted |
 * | --- | --- | --- | --- |
 * | yes | yes | - | yes: it saw its pod begin them |
 * | yes | no | - | no: what a victim answers to a forged address comes to its owner, and looks like what its pod began |
 * | no | yes | yes | yes |
 * | no | yes | no | no |
 * | no | no | - | no: dealt with at the victim |
 *
 * A replaying observer is trusted for every address of its capture, and what rests on it is only simulated.
 */
export function sourceEvidence (score: Score, source: Pod | null, standsForMany: boolean): SourceEvidence {
  const { features, counters } = score.window
  const answered = (features[BYTES_RECEIVED] ?? 0) > 0 && (counters[TCP_PACKETS] ?? 0) > 0 && (counters[UDP_PACKETS] ?? 0) === 0
  const isOwn = isOwnObserver(score, source)
  return {
    completedHandshake: score.key.kind !== 'fan-in' && !isOwn && answered && areProved(score),
    confirmedByOwnObserver: score.simulated || (isOwn && areProved(score)),
    standsForMany,
  }
}

/** What a witness's account says of the source: true: it is real; false: its own observer saw it begin none of this; null: it cannot tell. */
export function agreementOf (score: Score, source: Pod | null): boolean | null {
  const { completedHandshake, confirmedByOwnObserver } = sourceEvidence(score, source, false)
  if (completedHandshake || confirmedByOwnObserver) return true
  return isOwnObserver(score, source) ? false : null
}

export const isOwnObserver = ({ reporter }: Pick<Score, 'reporter'>, source: Pod | null): boolean => source !== null && reporter.endsWith(`/pod/${source.uid}`)

function areProved ({ tensor, unproved }: Score): boolean {
  let flows = 0
  for (let at = FLOWS; at < tensor.length; at += FEATURES.length) flows += tensor[at] ?? 0
  return flows > 0 && unproved <= Math.round(flows / FLOWS_PER_DOUBT)
}

/** Floods are sent from forged addresses: without proof of the sender they are told of the victim. */
const FLOODS: ReadonlySet<string> = new Set(['SYN_FLOOD'])

/** Whom the evidence is about: a flood whose sender is not proved is the victim's fan-in. */
export function subjectKey (key: WindowKey, className: string, source: SourceEvidence): WindowKey {
  const proved = source.completedHandshake || source.confirmedByOwnObserver
  return key.kind === 'pair' && !proved && FLOODS.has(className) ? { kind: 'fan-in', destination: key.destination } : key
}
