import type { LabelSelector } from '../../kubernetes/label-selector.ts'
import type { Transport } from '../../kubernetes/transport.ts'
import type { AddressBlock } from './address-block.ts'
import type { PortRange } from './port-set.ts'

/** A NetworkPolicy of networking.k8s.io/v1 as far as it means something, with the API server's defaults filled in. */
export interface Policy {
  readonly namespace: string
  readonly name: string
  /** The pods of its namespace that it selects. */
  readonly pods: LabelSelector
  /** What those may take in; null where the policy does not isolate them for ingress. */
  readonly ingress: readonly Rule[] | null
  /** What those may send out; null where the policy does not isolate them for egress. */
  readonly egress: readonly Rule[] | null
  /** What those may not, whatever any policy allows; absent where the policy denies nothing, as no NetworkPolicy does. */
  readonly deny?: { readonly ingress: readonly Rule[], readonly egress: readonly Rule[] }
}

/** Whether Cilium carries the policies, or a plugin that goes by the API's words, as most do. */
export type Plugin = 'most' | 'cilium'

export interface Rule {
  readonly peers: readonly Peer[] | 'everybody'
  readonly ports: readonly PortRule[] | 'any'
}

export type Peer =
  /** `namespaces` null: those of the policy's own namespace. */
  | { readonly kind: 'pods', readonly namespaces: LabelSelector | null, readonly pods: LabelSelector }
  | { readonly kind: 'block', readonly block: AddressBlock, readonly except: readonly AddressBlock[] }

export type PortRule =
  | PortRange
  /** Whatever the destination's containers call so, in that protocol. */
  | { readonly protocol: Transport, readonly name: string }

/** `NAMESPACE/NAME`. */
export const policyKey = ({ namespace, name }: Pick<Policy, 'namespace' | 'name'>): string => `${namespace}/${name}`
