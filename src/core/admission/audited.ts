/** One rule of a webhook configuration (admissionregistration.k8s.io/v1 RuleWithOperations). */
export interface AuditedRule {
  readonly apiGroups: readonly string[]
  readonly apiVersions: readonly string[]
  readonly operations: readonly ('CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT')[]
  readonly resources: readonly string[]
}

const WRITES = ['CREATE', 'UPDATE', 'DELETE'] as const

/**
 * What the validating webhook is asked about. Status subresources are left out: controllers write them all day and
 * nothing in them is anybody's wish.
 */
export const AUDITED_RULES: readonly AuditedRule[] = [
  { apiGroups: [''], apiVersions: ['v1'], operations: WRITES, resources: ['pods', 'namespaces', 'replicationcontrollers'] },
  { apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['pods/ephemeralcontainers', 'replicationcontrollers/scale'] },
  { apiGroups: [''], apiVersions: ['v1'], operations: ['CONNECT'], resources: ['pods/exec', 'pods/attach', 'pods/portforward'] },
  { apiGroups: ['apps'], apiVersions: ['v1'], operations: WRITES, resources: ['deployments', 'statefulsets', 'daemonsets', 'replicasets'] },
  { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['deployments/scale', 'statefulsets/scale', 'replicasets/scale'] },
  { apiGroups: ['batch'], apiVersions: ['v1'], operations: WRITES, resources: ['jobs', 'cronjobs'] },
  { apiGroups: ['networking.k8s.io'], apiVersions: ['v1'], operations: WRITES, resources: ['networkpolicies'] },
  // Where Cilium is; elsewhere nobody can make one.
  { apiGroups: ['cilium.io'], apiVersions: ['v2'], operations: WRITES, resources: ['ciliumnetworkpolicies', 'ciliumclusterwidenetworkpolicies'] },
  { apiGroups: ['rbac.authorization.k8s.io'], apiVersions: ['v1'], operations: WRITES, resources: ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'] },
  { apiGroups: ['autoshield.dev'], apiVersions: ['*'], operations: WRITES, resources: ['*'] },
]
