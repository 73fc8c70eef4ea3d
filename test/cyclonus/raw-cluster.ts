import type { LabelSelector } from '../../src/core/kubernetes/label-selector.ts'
import { readPolicy } from '../../src/core/plan/reach/read-policy.ts'
import { Reach, type Cluster } from '../../src/core/plan/reach/reach.ts'

export type { LabelSelector } from '../../src/core/kubernetes/label-selector.ts'

/** A cluster whose policies are as a person writes them. */
export interface RawCluster extends Pick<Cluster, 'pods' | 'namespaces' | 'nodes'> {
  readonly policies: readonly RawPolicy[]
}

export interface RawPolicy {
  readonly apiVersion: 'networking.k8s.io/v1'
  readonly kind: 'NetworkPolicy'
  readonly metadata: { readonly namespace: string, readonly name: string }
  readonly spec: {
    readonly podSelector: LabelSelector
    readonly policyTypes?: readonly ('Ingress' | 'Egress')[]
    readonly ingress?: readonly RawRule[]
    readonly egress?: readonly RawRule[]
  }
}

export interface RawRule { readonly from?: readonly RawPeer[], readonly to?: readonly RawPeer[], readonly ports?: readonly RawPort[] }
export interface RawPeer { readonly podSelector?: LabelSelector, readonly namespaceSelector?: LabelSelector, readonly ipBlock?: { readonly cidr: string, readonly except?: readonly string[] } }
export interface RawPort { readonly protocol?: 'TCP' | 'UDP' | 'SCTP', readonly port?: number | string, readonly endPort?: number }

export const reachOf = ({ policies, ...rest }: RawCluster): Reach => new Reach({ ...rest, policies: policies.map(readPolicy), plugin: 'most' })
