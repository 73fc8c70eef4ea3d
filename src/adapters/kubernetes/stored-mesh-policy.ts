import { Compile } from 'typebox/compile'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import { isRecord } from '../../core/kubernetes/read-object.ts'
import { apiVersionOf, RESOURCES } from '../../core/kubernetes/resource.ts'
import { firstStatus } from '../../core/rollout/advance.ts'
import { MeshPolicy, MeshPolicySpec, MeshPolicyStatus } from '../../core/rollout/mesh-policy.ts'
import { readMeshPolicySpec } from '../../core/rollout/read-mesh-policy.ts'

const { restrictions, canaryShares } = MeshPolicySpec.properties

/** What the API server refuses by itself, as `readMeshPolicySpec` would. */
export const StoredPolicySpec = {
  ...MeshPolicySpec,
  properties: {
    ...MeshPolicySpec.properties,
    canaryShares: { ...canaryShares, 'x-kubernetes-list-type': 'set' },
    restrictions: {
      ...restrictions,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        ...restrictions.items,
        'x-kubernetes-validations': [{ rule: "has(self.limit) == (self.action == 'limit')", message: 'limit belongs to the action limit, and that needs one' }],
      },
    },
  },
}

export const StoredPolicyStatus = {
  ...MeshPolicyStatus,
  properties: {
    ...MeshPolicyStatus.properties,
    conditions: { ...MeshPolicyStatus.properties.conditions, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
  },
}

const policyCheck = Compile(MeshPolicy)

/** Null where its spec means nothing to this version. One without a status, or with one of another version, begins anew at its first stage. */
export function fromStoredPolicy ({ metadata, ...object }: KubernetesObject): MeshPolicy | null {
  const { name, uid, generation = 1, creationTimestamp = '' } = metadata
  const read = readMeshPolicySpec(object['spec'])
  if (!read.ok) return null
  const begun: unknown = {
    apiVersion: apiVersionOf(RESOURCES.meshPolicies),
    kind: RESOURCES.meshPolicies.kind,
    metadata: { name, uid, generation, creationTimestamp },
    spec: read.spec,
    status: firstStatus(read.spec, creationTimestamp),
  }
  if (!policyCheck.Check(begun)) return null
  const withStatus: unknown = isRecord(object['status']) ? { ...begun, status: object['status'] } : begun
  return policyCheck.Check(withStatus) ? withStatus : begun
}

export const toStoredStatus = (name: string, namespace: string, status: MeshPolicyStatus): object => ({ metadata: { name, namespace }, status })
