import { RESOURCES, type Resource } from '../kubernetes/resource.ts'
import type { CiliumNetworkPolicy } from './cilium-policy.ts'
import type { NetworkPolicy } from './network-policy.ts'
import { readDenial } from './reach/read-denial.ts'
import type { Policy } from './reach/policy.ts'
import { readPolicy } from './reach/read-policy.ts'

/** What carries a mitigation in a cluster's network. Those of one mitigation have names apart, whatever their kind. */
export type PolicyObject = NetworkPolicy | CiliumNetworkPolicy
export type PolicyKind = PolicyObject['kind']

interface Form {
  readonly resource: Resource
  /** What it means. Throws BAD_DATA for what is not known. */
  readonly read: (object: unknown) => Policy
}

export const POLICY_FORMS: Readonly<Record<PolicyKind, Form>> = {
  NetworkPolicy: { resource: RESOURCES.networkPolicies, read: readPolicy },
  CiliumNetworkPolicy: { resource: RESOURCES.ciliumNetworkPolicies, read: readDenial },
}

export const POLICY_KINDS: readonly PolicyKind[] = ['NetworkPolicy', 'CiliumNetworkPolicy']

/** `networkpolicy/NAMESPACE/NAME` or `ciliumnetworkpolicy/NAMESPACE/NAME`. */
export const policyTarget = (kind: PolicyKind, key: string): string => `${kind.toLowerCase()}/${key}`
