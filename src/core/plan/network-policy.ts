import type { Pod } from '../pod.ts'
import type { Direction, Ports } from '../policy/rule.ts'
import { labelValue } from './names.ts'

/** Marks one pod by its UID, so that a policy can select exactly it and not its siblings of the same Deployment. */
const POD_LABEL = 'autoshield.dev/pod-uid'
const STATEFUL_LABEL = 'statefulset.kubernetes.io/pod-name'

/** `V1NetworkPolicy` of networking.k8s.io/v1, as far as we write it. */
export interface NetworkPolicy {
  readonly apiVersion: 'networking.k8s.io/v1'
  readonly kind: 'NetworkPolicy'
  readonly metadata: ObjectMeta
  readonly spec: {
    readonly podSelector: LabelSelector
    readonly policyTypes: readonly ('Ingress' | 'Egress')[]
    readonly ingress?: readonly { readonly from?: readonly Peer[], readonly ports?: readonly PortRange[] }[]
    readonly egress?: readonly { readonly to?: readonly Peer[], readonly ports?: readonly PortRange[] }[]
  }
}

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly { readonly key: string, readonly operator: 'NotIn', readonly values: readonly string[] }[]
}

interface Peer {
  readonly namespaceSelector?: LabelSelector
  readonly podSelector?: LabelSelector
  readonly ipBlock?: { readonly cidr: string, readonly except?: readonly string[] }
}

interface PortRange { readonly protocol: 'TCP' | 'UDP' | 'SCTP', readonly port: number, readonly endPort?: number }

/** The other end of what is cut: a known pod, an address outside, or everybody. */
export type Other = { readonly pod: Pod } | { readonly address: string } | 'everybody'

/** The label that selects exactly this pod, and whether the pod has it already. */
export function identityLabel (pod: Pod): { readonly key: string, readonly value: string, readonly present: boolean } {
  if (pod.labels[STATEFUL_LABEL] === pod.name) return { key: STATEFUL_LABEL, value: pod.name, present: true }
  const value = labelValue(pod.uid)
  return { key: POD_LABEL, value, present: pod.labels[POD_LABEL] === value }
}

/**
 * A policy on one pod that leaves out its traffic with `other` on `ports` and lists all else.
 * NetworkPolicies add up, so it cuts only what no other policy on that pod allows.
 */
export function denyPolicy (metadata: ObjectMeta, pod: Pod, direction: Direction, other: Other, ports: Ports): NetworkPolicy {
  const { key, value } = identityLabel(pod)
  const rules = allowedRules(other, ports)
  const egress = { egress: rules.map(({ peers, ports: some }) => ({ ...(peers && { to: peers }), ...(some && { ports: some }) })) }
  const ingress = { ingress: rules.map(({ peers, ports: some }) => ({ ...(peers && { from: peers }), ...(some && { ports: some }) })) }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata,
    spec: {
      podSelector: { matchLabels: { ...pod.labels, [key]: value } },
      policyTypes: direction === 'both' ? ['Ingress', 'Egress'] : direction === 'ingress' ? ['Ingress'] : ['Egress'],
      ...(direction !== 'egress' && ingress),
      ...(direction !== 'ingress' && egress),
    },
  }
}

interface AllowRule { readonly peers?: readonly Peer[], readonly ports?: readonly PortRange[] }

/**
 *     other     | ports | allowed
 *     everybody | any   | nothing
 *     everybody | some  | everybody on the other ports
 *     one       | any   | everybody else
 *     one       | some  | everybody else, and that one on the other ports
 */
function allowedRules (other: Other, ports: Ports): readonly AllowRule[] {
  const rest = ports === 'any' ? null : { ports: otherPorts(ports) }
  if (other === 'everybody') return rest === null ? [] : [rest]
  const others: AllowRule = { peers: everybodyBut(other) }
  return rest === null ? [others] : [others, { peers: only(other), ...rest }]
}

/**
 * Pods by selector and addresses by block, both without that one: Cilium's CIDR blocks never match pods,
 * other CNIs take a pod's address for any other.
 */
function everybodyBut (other: Exclude<Other, 'everybody'>): readonly Peer[] {
  const addresses = 'pod' in other ? other.pod.addresses : [other.address]
  const block = (cidr: string, family: readonly string[]): Peer => ({ ipBlock: family.length === 0 ? { cidr } : { cidr, except: family.map(asBlock) } })
  const blocks = [block('0.0.0.0/0', addresses.filter(isIpv4)), block('::/0', addresses.filter((address) => !isIpv4(address)))]
  if (!('pod' in other)) return [{ namespaceSelector: {} }, ...blocks]
  const { key, value } = identityLabel(other.pod)
  return [{ namespaceSelector: {}, podSelector: { matchExpressions: [{ key, operator: 'NotIn', values: [value] }] } }, ...blocks]
}

function only (other: Exclude<Other, 'everybody'>): readonly Peer[] {
  if (!('pod' in other)) return [{ ipBlock: { cidr: asBlock(other.address) } }]
  const { key, value } = identityLabel(other.pod)
  return [{ namespaceSelector: {}, podSelector: { matchLabels: { [key]: value } } }, ...other.pod.addresses.map((address) => ({ ipBlock: { cidr: asBlock(address) } }))]
}

const isIpv4 = (address: string): boolean => !address.includes(':')
const asBlock = (address: string): string => `${address}/${isIpv4(address) ? 32 : 128}`

const LAST_PORT = 65_535

/** Everything but `ports`, as ranges for each transport. */
function otherPorts (ports: readonly number[]): readonly PortRange[] {
  const ends = [0, ...[...new Set(ports)].sort((left, right) => left - right), LAST_PORT + 1]
  const gaps = ends.slice(1).map((end, index) => ({ first: (ends[index] ?? 0) + 1, last: end - 1 })).filter(({ first, last }) => first <= last)
  return (['TCP', 'UDP', 'SCTP'] as const).flatMap((protocol) => gaps.map(({ first, last }) => ({
    protocol, port: first, ...(first < last && { endPort: last }),
  })))
}
