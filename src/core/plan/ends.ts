import type { Pod } from '../pod.ts'
import type { Detection, Endpoint } from '../verdict/detection.ts'
import type { PlanContext } from './plan.ts'

/** The two ends of a detection as far as they are known. */
export interface Ends {
  readonly source: Pod | null
  readonly target: Pod | null
  /** Of a target that is no known pod. */
  readonly targetAddress: string | null
  readonly subject: Pod | 'anySource' | null
  /** For people: `shop/web-0 (10.0.0.3)`, `10.9.9.9`, `any source`. */
  readonly sourceName: string
  readonly targetName: string
}

/**
 * Who may be restricted for it. Real: the source completed a handshake or its own observer confirms it.
 *
 *     kind          | source pod | real | class     | target pod | subject
 *     fan-in        | -          | -    | -         | known      | anySource
 *     fan-in        | -          | -    | -         | unknown    | nobody
 *     pair, fan-out | known      | yes  | -         | -          | the pod
 *     pair          | -          | no   | SYN_FLOOD | known      | anySource
 *     else          |            |      |           |            | the source pod if it is known (safety then says ForgedSource), or nobody
 */
export function endsOf (detection: Detection, context: Pick<PlanContext, 'pods' | 'evidence'>): Ends {
  const source = podOf(detection.source, context.pods)
  const target = podOf(detection.target, context.pods)
  const real = isReal(context)
  const forgedFlood = detection.kind === 'pair' && !real && detection.class === 'SYN_FLOOD' && target !== null
  const atVictim = detection.kind === 'fan-in' ? target !== null : forgedFlood
  const subject = atVictim ? 'anySource' : detection.kind === 'fan-in' ? null : source
  return {
    source,
    target,
    targetAddress: target === null ? detection.target?.address ?? null : null,
    subject,
    sourceName: nameOf(detection.source, source, 'any source'),
    targetName: nameOf(detection.target, target, 'any destination'),
  }
}

export const isReal = ({ evidence }: Pick<PlanContext, 'evidence'>): boolean => evidence.completedHandshake || evidence.confirmedByOwnObserver

/** A uid binds: where it is known, an address that another pod has by now is not taken for it. */
function podOf (endpoint: Endpoint | null, pods: readonly Pod[]): Pod | null {
  if (endpoint === null) return null
  const { uid, address } = endpoint
  return pods.find((pod) => uid === undefined ? pod.addresses.includes(address) : pod.uid === uid) ?? null
}

function nameOf (endpoint: Endpoint | null, pod: Pod | null, none: string): string {
  if (endpoint === null) return none
  return pod === null ? endpoint.address : `${pod.namespace}/${pod.name} (${endpoint.address})`
}
