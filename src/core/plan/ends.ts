import type { Pod } from '../pod.ts'
import { standingOf } from '../safety/real-source.ts'
import type { Detection, Endpoint } from '../verdict/detection.ts'
import type { PlanContext } from './plan.ts'
import { podsBehind, type KnownService } from './service-pods.ts'

/**
 * Whom it goes to. A Service's address is never compared: what goes there ends behind it.
 *
 *     address           | behind the Service          | target
 *     none, a fan-out's | -                           | anybody
 *     a pod's           | -                           | that pod
 *     a Service's       | known pods                  | those but the source, by way of its address
 *     a Service's       | addresses of no known pod   | those addresses
 *     a Service's       | nothing                     | nothing
 *     any other         | -                           | that address
 */
export type Target =
  | { readonly kind: 'anybody' }
  | { readonly kind: 'pods', readonly pods: readonly Pod[], readonly service: string | null }
  | { readonly kind: 'addresses', readonly addresses: readonly string[] }
  | { readonly kind: 'nothing' }

/** The two ends of a detection as far as they are known. */
export interface Ends {
  readonly source: Pod | null
  readonly target: Target
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
export function endsOf (detection: Detection, context: Pick<PlanContext, 'pods' | 'evidence' | 'serviceAt'>): Ends {
  const source = podOf(detection.source, context.pods)
  const pod = podOf(detection.target, context.pods)
  const service = detection.target === null || pod !== null ? null : context.serviceAt?.(detection.target.address) ?? null
  const target = targetOf(detection.target, pod, service, context.pods.filter(({ uid }) => uid !== source?.uid))
  const isKnown = target.kind === 'pods'
  const real = isReal(context)
  const forgedFlood = detection.kind === 'pair' && !real && detection.class === 'SYN_FLOOD' && isKnown
  const atVictim = detection.kind === 'fan-in' ? isKnown : forgedFlood
  const subject = atVictim ? 'anySource' : detection.kind === 'fan-in' ? null : source
  return {
    source,
    target,
    subject,
    sourceName: nameOf(detection.source, source, 'any source'),
    targetName: service === null ? nameOf(detection.target, pod, 'any destination') : `Service ${service.namespace}/${service.name} (${detection.target?.address ?? ''})`,
  }
}

export const isReal = ({ evidence }: Pick<PlanContext, 'evidence'>): boolean => standingOf(evidence) === 'real'

function targetOf (endpoint: Endpoint | null, pod: Pod | null, service: KnownService | null, pods: readonly Pod[]): Target {
  if (endpoint === null) return { kind: 'anybody' }
  if (pod !== null) return { kind: 'pods', pods: [pod], service: null }
  if (service === null) return { kind: 'addresses', addresses: [endpoint.address] }
  const behind = podsBehind(service, pods)
  if (behind.length > 0) return { kind: 'pods', pods: behind, service: endpoint.address }
  return service.addresses.length > 0 ? { kind: 'addresses', addresses: service.addresses } : { kind: 'nothing' }
}

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
