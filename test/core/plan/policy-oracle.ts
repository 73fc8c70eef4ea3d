import type { NetworkPolicy } from '../../../src/core/plan/network-policy.ts'
import type { Pod } from '../../../src/core/pod.ts'

/** One way between two ends; an end without a pod is an address outside. */
export interface Way { readonly from: Pod | string, readonly to: Pod | string, readonly port: number, readonly protocol: 'TCP' | 'UDP' }

type Peers = NonNullable<NonNullable<NetworkPolicy['spec']['egress']>[number]['to']>
type Selector = NonNullable<Peers[number]['podSelector']>

/**
 * The semantics of networking.k8s.io/v1 in the plainest form: a pod that a policy selects may do what any selecting policy
 * lists. `blocksMatchPods`: most CNIs let an ipBlock match a pod's address, Cilium never does.
 */
export function isAllowed (policies: readonly NetworkPolicy[], way: Way, blocksMatchPods: boolean): boolean {
  return side(policies, way, 'Egress', blocksMatchPods) && side(policies, way, 'Ingress', blocksMatchPods)
}

function side (policies: readonly NetworkPolicy[], way: Way, type: 'Ingress' | 'Egress', blocksMatchPods: boolean): boolean {
  const self = type === 'Egress' ? way.from : way.to
  const other = type === 'Egress' ? way.to : way.from
  if (typeof self === 'string') return true
  const selecting = policies.filter(({ metadata, spec }) => metadata.namespace === self.namespace && spec.policyTypes.includes(type) && selects(spec.podSelector, self.labels))
  if (selecting.length === 0) return true
  return selecting.some(({ spec }) => {
    const rules = type === 'Egress' ? (spec.egress ?? []).map(({ to, ports }) => ({ peers: to, ports })) : (spec.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
    return rules.some(({ peers, ports }) =>
      (peers === undefined || peers.some((peer) => matchesPeer(peer, other, blocksMatchPods))) &&
      (ports === undefined || ports.some(({ protocol, port, endPort }) => protocol === way.protocol && way.port >= port && way.port <= (endPort ?? port))))
  })
}

function matchesPeer (peer: Peers[number], other: Pod | string, blocksMatchPods: boolean): boolean {
  if (peer.ipBlock !== undefined) {
    if (typeof other !== 'string' && !blocksMatchPods) return false
    const addresses = typeof other === 'string' ? [other] : other.addresses
    const { cidr, except = [] } = peer.ipBlock
    return addresses.some((address) => within(address, cidr) && !except.some((block) => within(address, block)))
  }
  if (typeof other === 'string') return false
  return selects(peer.podSelector ?? {}, other.labels)
}

/** The plans name whole families and single addresses only. */
function within (address: string, cidr: string): boolean {
  const family = address.includes(':')
  if (cidr === '0.0.0.0/0') return !family
  if (cidr === '::/0') return family
  return cidr === `${address}/${family ? 128 : 32}`
}

function selects (selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  const all = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
  return all && (selector.matchExpressions ?? []).every(({ key, values }) => !values.includes(labels[key] ?? '\u0000'))
}
