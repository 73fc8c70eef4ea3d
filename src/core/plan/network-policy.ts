import type { Pod } from '../pod.ts'
import type { Direction, Ports } from '../policy/rule.ts'
import { identityLabel, POD_LABEL } from './pod-mark.ts'

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

/** Other ends that are kept from a pod: known pods, addresses outside, or everybody but who is in these namespaces. */
export type Other = { readonly pods: readonly Pod[] } | { readonly addresses: readonly string[] } | { readonly everybodyBut: readonly string[] }

/** What a policy leaves out. */
export interface Denial {
  readonly other: Other
  readonly ports: Ports
}

/**
 * A policy on some pods of one namespace that leaves out all that is denied and lists all else. It selects them by the label of ours
 * alone, so that no other label lets them out of it. NetworkPolicies add up, so it cuts only what no other policy on those pods
 * allows, and those of ours that select one pod must leave out the same.
 */
export function denyPolicy (metadata: ObjectMeta, pods: readonly Pod[], direction: Direction, denials: readonly Denial[]): NetworkPolicy {
  const egress = { egress: allowedRules(denials).map(({ peers, ports: some }) => ({ ...(peers && { to: peers }), ...(some && { ports: some }) })) }
  // What is spared is a way out.
  const inward = denials.map(({ other, ports }): Denial => ({ other: 'everybodyBut' in other ? { everybodyBut: [] } : other, ports }))
  const ingress = { ingress: allowedRules(inward).map(({ peers, ports: some }) => ({ ...(peers && { from: peers }), ...(some && { ports: some }) })) }
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

/** One end that is denied, and on which ports: its own and those on which everybody is. */
interface DeniedEnd {
  readonly end: Pod | string
  readonly ports: Ports
}

/**
 *     denied to everybody | allowed
 *     any port            | who is spared
 *     some ports          | who is spared; everybody but those who are named, on the other ports; those, on what is denied to neither
 *     nothing             | everybody but those who are named; those, on the ports that are not denied to them
 */
function allowedRules (denials: readonly Denial[]): readonly AllowRule[] {
  const crowds = denials.flatMap(({ other, ports }) => 'everybodyBut' in other ? [{ spared: other.everybodyBut, ports }] : [])
  const spared = [...new Set(crowds.flatMap((crowd) => crowd.spared))]
  const spare: AllowRule[] = spared.length === 0 ? [] : [{ peers: [{ namespaceSelector: { matchExpressions: [{ key: NAMESPACE_LABEL, operator: 'In', values: spared }] } }] }]
  const everywhere = joined(crowds.map(({ ports }) => ports))
  if (everywhere === 'any') return spare
  const ends = deniedEnds(denials, everywhere)
  const rest = everywhere.length === 0 ? {} : { ports: otherPorts(everywhere) }
  if (ends.length === 0) return [...spare, rest]
  const groups = Map.groupBy(ends.filter(({ ports }) => ports !== 'any'), ({ ports }) => String(ports))
  const partly = [...groups.values()].map((group): AllowRule => ({ peers: only(group.map(({ end }) => end)), ports: otherPorts(group[0]?.ports === 'any' ? [] : group[0]?.ports ?? []) }))
  return [...spare, { peers: everybodyElse(ends.map(({ end }) => end)), ...rest }, ...partly]
}

const joined = (some: readonly Ports[]): Ports => some.includes('any') ? 'any' : [...new Set(some.flatMap((ports) => ports === 'any' ? [] : ports))].sort((left, right) => left - right)

/** Each end once. */
function deniedEnds (denials: readonly Denial[], everywhere: readonly number[]): DeniedEnd[] {
  const ends = new Map<string, { end: Pod | string, ports: Ports[] }>()
  for (const { other, ports } of denials) {
    for (const end of 'pods' in other ? other.pods : 'addresses' in other ? other.addresses : []) {
      const key = typeof end === 'string' ? end : end.uid
      const known = ends.get(key)
      if (known === undefined) ends.set(key, { end, ports: [everywhere, ports] })
      else known.ports.push(ports)
    }
  }
  return [...ends.values()].map(({ end, ports }) => ({ end, ports: joined(ports) }))
}

const podsIn = (ends: readonly (Pod | string)[]): Pod[] => ends.filter((end) => typeof end !== 'string')
const addressesOf = (ends: readonly (Pod | string)[]): string[] => ends.flatMap((end) => typeof end === 'string' ? [end] : end.addresses)

/**
 * Pods by selector and addresses by block, both without those: Cilium's CIDR blocks never match pods,
 * other CNIs take a pod's address for any other.
 */
function everybodyElse (ends: readonly (Pod | string)[]): readonly Peer[] {
  const [pods, addresses] = [podsIn(ends), addressesOf(ends)]
  const block = (cidr: string, family: readonly string[]): Peer => ({ ipBlock: family.length === 0 ? { cidr } : { cidr, except: family.map(asBlock) } })
  const blocks = [block('0.0.0.0/0', addresses.filter(isIpv4)), block('::/0', addresses.filter((address) => !isIpv4(address)))]
  if (pods.length === 0) return [{ namespaceSelector: {} }, ...blocks]
  return [{ namespaceSelector: {}, podSelector: { matchExpressions: [{ key: POD_LABEL, operator: 'NotIn', values: valuesOf(pods) }] } }, ...blocks]
}

function only (ends: readonly (Pod | string)[]): readonly Peer[] {
  const pods = podsIn(ends)
  const blocks = addressesOf(ends).map((address) => ({ ipBlock: { cidr: asBlock(address) } }))
  return pods.length === 0 ? blocks : [{ namespaceSelector: {}, podSelector: selecting(pods) }, ...blocks]
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
