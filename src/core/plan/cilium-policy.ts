import type { Pod } from '../pod.ts'
import type { Ports } from '../policy/rule.ts'
import type { Denial, ObjectMeta, Other } from './network-policy.ts'
import { identityLabel, POD_LABEL } from './pod-mark.ts'

/** The label by which Cilium knows a pod's namespace. Only pods have one: no node, and nobody outside. */
export const NAMESPACE_KEY = 'k8s:io.kubernetes.pod.namespace'
/** Cilium takes so many ports in one list. */
const MOST_PORTS = 40

/** `CiliumNetworkPolicy` of cilium.io/v2, as far as we write it: it denies, isolates nobody, and wins over everything that allows. */
export interface CiliumNetworkPolicy {
  readonly apiVersion: 'cilium.io/v2'
  readonly kind: 'CiliumNetworkPolicy'
  readonly metadata: ObjectMeta
  readonly spec: {
    readonly endpointSelector: Selector
    readonly enableDefaultDeny: { readonly egress: false, readonly ingress: false }
    readonly egressDeny?: readonly (Ends<'toEndpoints', 'toCIDR'> & Deny)[]
    readonly ingressDeny?: readonly (Ends<'fromEndpoints', 'fromCIDR'> & Deny)[]
  }
}

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly { readonly key: string, readonly operator: 'In' | 'NotIn' | 'Exists', readonly values?: readonly string[] }[]
}
/** Pods or addresses: a rule with both is none to Cilium. */
type Ends<Pods extends string, Addresses extends string> = Readonly<Partial<Record<Pods, readonly Selector[]> & Record<Addresses, readonly string[]>>>
/** Transports that are on in Cilium; without ports everything, other protocols as well. */
interface Deny { readonly toPorts?: readonly { readonly ports: readonly { readonly port: string, readonly protocol: 'ANY' }[] }[] }

/** Denies to pods of one namespace what is listed, and nothing else. `everybodyBut` are all other pods and what is outside, but no node. */
export function ciliumDenial (metadata: ObjectMeta, pods: readonly Pod[], direction: 'egress' | 'ingress', { other, ports }: Denial): CiliumNetworkPolicy {
  const toPorts = portLists(ports)
  const deny = toPorts === null ? {} : { toPorts }
  const [endpoints, addresses] = [endpointsOf(other), addressesOf(other)]
  const spec = { endpointSelector: selecting(pods), enableDefaultDeny: { egress: false, ingress: false } } as const
  const head = { apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy', metadata } as const
  return direction === 'egress'
    ? { ...head, spec: { ...spec, egressDeny: [...endpoints.length > 0 ? [{ toEndpoints: endpoints, ...deny }] : [], ...addresses.length > 0 ? [{ toCIDR: addresses, ...deny }] : []] } }
    : { ...head, spec: { ...spec, ingressDeny: [...endpoints.length > 0 ? [{ fromEndpoints: endpoints, ...deny }] : [], ...addresses.length > 0 ? [{ fromCIDR: addresses, ...deny }] : []] } }
}

function selecting (pods: readonly Pod[]): Selector {
  const [value = '', ...more] = pods.map((pod) => identityLabel(pod).value)
  return more.length === 0 ? { matchLabels: { [POD_LABEL]: value } } : { matchExpressions: [{ key: POD_LABEL, operator: 'In', values: [value, ...more] }] }
}

/** Each namespace apart: a pod of another one that bears the same label is not meant. */
function endpointsOf (other: Other): readonly Selector[] {
  if ('addresses' in other) return []
  if ('everybodyBut' in other) {
    const { everybodyBut: spared } = other
    return [{ matchExpressions: [{ key: NAMESPACE_KEY, operator: 'Exists' }, ...spared.length > 0 ? [{ key: NAMESPACE_KEY, operator: 'NotIn', values: spared } as const] : []] }]
  }
  return [...Map.groupBy(other.pods, ({ namespace }) => namespace)].map(([namespace, some]) => {
    const { matchLabels = {}, ...rest } = selecting(some)
    return { matchLabels: { [NAMESPACE_KEY]: namespace, ...matchLabels }, ...rest }
  })
}

function addressesOf (other: Other): readonly string[] {
  if ('pods' in other) return []
  return 'everybodyBut' in other ? ['0.0.0.0/0', '::/0'] : other.addresses.map((address) => `${address}/${address.includes(':') ? 128 : 32}`)
}

/** Null for everything. */
function portLists (ports: Ports): { ports: { port: string, protocol: 'ANY' }[] }[] | null {
  if (ports === 'any') return null
  const all = ports.map((port) => ({ port: String(port), protocol: 'ANY' } as const))
  return Array.from({ length: Math.ceil(all.length / MOST_PORTS) }, (_, at) => ({ ports: all.slice(at * MOST_PORTS, (at + 1) * MOST_PORTS) }))
}
