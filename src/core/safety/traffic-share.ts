import type { Pod } from '../pod.ts'
import type { ActionType } from '../policy/action-type.ts'
import type { Detection } from '../verdict/detection.ts'

/** Conversations that were seen from one address to another. What was kept of an hour says more than the last seconds. */
export interface SeenFlow {
  readonly source: string
  readonly destination: string
  readonly flows: number
}

/** How much of a namespace's traffic an action would cut beside the attack itself. */
export interface TrafficShare {
  readonly namespace: string
  /** Conversations with an end in the namespace, without those of the attack. */
  readonly seen: number
  /** Of these, how many it would cut. */
  readonly cut: number
}

/**
 * What an isolation would cost the subject's namespace; `flows` is asked for those with an end there. The other actions cut what their detection names, and that is the attack.
 *
 *     action        | subject   | flow                                | counts as
 *     pod_isolation | a pod     | from the source to the target       | nothing: it is the attack; for a fan-out that is all from the source
 *     pod_isolation | a pod     | of the subject with anybody else    | cut
 *     pod_isolation | a pod     | another with an end in its namespace | seen
 *     pod_isolation | anySource | -                                   | null
 *     any other     | -         | -                                   | null
 */
export function trafficShare (action: ActionType, subject: Pod | 'anySource' | null, { source, target }: Pick<Detection, 'source' | 'target'>, flows: (namespace: string) => readonly SeenFlow[], byAddress: (address: string) => Pod | null): TrafficShare | null {
  if (action !== 'pod_isolation' || subject === null || subject === 'anySource') return null
  const { namespace } = subject
  const isAttack = (flow: SeenFlow): boolean => flow.source === source?.address && (target === null || flow.destination === target.address)
  const ends = ({ source: from, destination: to }: SeenFlow): readonly string[] => [from, to]
  const own = flows(namespace).filter((flow) => !isAttack(flow) && ends(flow).some((address) => byAddress(address)?.namespace === namespace))
  return { namespace, seen: total(own), cut: total(own.filter((flow) => ends(flow).some((address) => subject.addresses.includes(address)))) }
}

const total = (flows: readonly SeenFlow[]): number => flows.reduce((sum, flow) => sum + flow.flows, 0)
