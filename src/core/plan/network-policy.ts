import type { Pod } from '../pod.ts'
import type { Direction, Ports } from '../policy/rule.ts'
import { labelValue } from './names.ts'

/** Marks one pod by its UID, so that a policy can select exactly it and not its siblings of the same Deployment. */
export const POD_LABEL = 'autoshield.dev/pod-uid'
/** The API server gives it to every namespace. */
const NAMESPACE_LABEL = 'kubernetes.io/metadata.name'

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
  readonly matchExpressions?: readonly { readonly key: string, readonly operator: 'In' | 'NotIn', readonly values: readonly string[] }[]
}

interface Peer {
  readonly namespaceSelector?: LabelSelector
  readonly podSelector?: LabelSelector
  readonly ipBlock?: { readonly cidr: string, readonly except?: readonly string[] }
}

interface PortRange { readonly protocol: 'TCP' | 'UDP' | 'SCTP', readonly port: number, readonly endPort?: number }

/** The other ends of what is cut: known pods, addresses outside, or everybody but who is in these namespaces. */
export type Other = { readonly pods: readonly Pod[] } | { readonly addresses: readonly string[] } | { readonly everybodyBut: readonly string[] }

/** The label that selects exactly this pod, and whether the pod has it already. */
export function identityLabel (pod: Pick<Pod, 'uid' | 'labels'>): { readonly key: string, readonly value: string, readonly present: boolean } {
  const value = labelValue(pod.uid)
  return { key: POD_LABEL, value, present: pod.labels[POD_LABEL] === value }
}

/**
 * A policy on some pods of one namespace that leaves out their traffic with `other` on `ports` and lists all else. It selects them
 * by the label of their UIDs alone, so that no other label lets them out of it. NetworkPolicies add up, so it cuts only what no other
 * policy on those pods allows.
 */
export function denyPolicy (metadata: ObjectMeta, pods: readonly Pod[], direction: Direction, other: Other, ports: Ports): NetworkPolicy {
  const egress = { egress: allowedRules(other, ports).map(({ peers, ports: some }) => ({ ...(peers && { to: peers }), ...(some && { ports: some }) })) }
  // What is spared is a way out.
  const ingress = { ingress: allowedRules('everybodyBut' in other ? { everybodyBut: [] } : other, ports).map(({ peers, ports: some }) => ({ ...(peers && { from: peers }), ...(some && { ports: some }) })) }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata,
    spec: {
      podSelector: selecting(pods),
      policyTypes: direction === 'both' ? ['Ingress', 'Egress'] : direction === 'ingress' ? ['Ingress'] : ['Egress'],
      ...(direction !== 'egress' && ingress),
      ...(direction !== 'ingress' && egress),
    },
  }
}

const valuesOf = (pods: readonly Pod[]): string[] => pods.map((pod) => identityLabel(pod).value)

function selecting (pods: readonly Pod[]): LabelSelector {
  const [value = '', ...more] = valuesOf(pods)
  return more.length === 0 ? { matchLabels: { [POD_LABEL]: value } } : { matchExpressions: [{ key: POD_LABEL, operator: 'In', values: [value, ...more] }] }
}

interface AllowRule { readonly peers?: readonly Peer[], readonly ports?: readonly PortRange[] }

/**
 *     other          | ports | allowed
 *     everybodyBut   | any   | who is spared
 *     everybodyBut   | some  | who is spared, and everybody on the other ports
 *     pods/addresses | any   | everybody else
 *     pods/addresses | some  | everybody else, and those on the other ports
 */
function allowedRules (other: Other, ports: Ports): readonly AllowRule[] {
  const rest = ports === 'any' ? null : { ports: otherPorts(ports) }
  if ('everybodyBut' in other) {
    const spared = other.everybodyBut.length === 0 ? [] : [{ peers: [{ namespaceSelector: { matchExpressions: [{ key: NAMESPACE_LABEL, operator: 'In' as const, values: other.everybodyBut }] } }] }]
    return rest === null ? spared : [...spared, rest]
  }
  const others: AllowRule = { peers: everybodyElse(other) }
  return rest === null ? [others] : [others, { peers: only(other), ...rest }]
}

type Some = Exclude<Other, { everybodyBut: unknown }>

/**
 * Pods by selector and addresses by block, both without those: Cilium's CIDR blocks never match pods,
 * other CNIs take a pod's address for any other.
 */
function everybodyElse (other: Some): readonly Peer[] {
  const addresses = addressesOf(other)
  const block = (cidr: string, family: readonly string[]): Peer => ({ ipBlock: family.length === 0 ? { cidr } : { cidr, except: family.map(asBlock) } })
  const blocks = [block('0.0.0.0/0', addresses.filter(isIpv4)), block('::/0', addresses.filter((address) => !isIpv4(address)))]
  if (!('pods' in other)) return [{ namespaceSelector: {} }, ...blocks]
  return [{ namespaceSelector: {}, podSelector: { matchExpressions: [{ key: POD_LABEL, operator: 'NotIn', values: valuesOf(other.pods) }] } }, ...blocks]
}

function only (other: Some): readonly Peer[] {
  const blocks = addressesOf(other).map((address) => ({ ipBlock: { cidr: asBlock(address) } }))
  return 'pods' in other ? [{ namespaceSelector: {}, podSelector: selecting(other.pods) }, ...blocks] : blocks
}

const addressesOf = (other: Some): readonly string[] => 'pods' in other ? other.pods.flatMap(({ addresses }) => addresses) : other.addresses

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
