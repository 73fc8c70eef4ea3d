/** Who asks: AutoShield itself, Kubernetes' own parts, a node's kubelet, or anybody else. */
export type Caller = 'own' | 'kubernetes' | 'kubelet' | 'somebody'

const SYSTEM_USERS: ReadonlySet<string> = new Set(['system:kube-controller-manager', 'system:kube-scheduler', 'system:apiserver'])

/**
 * Service accounts of kube-controller-manager's controllers (cmd/kube-controller-manager/app/controllermanager.go, 1.34),
 * as far as they write what is audited. A closed list: an account of another name in kube-system is somebody.
 */
const CONTROLLERS: ReadonlySet<string> = new Set([
  'clusterrole-aggregation-controller', 'cronjob-controller', 'daemon-set-controller', 'deployment-controller', 'disruption-controller',
  'endpoint-controller', 'endpointslice-controller', 'ephemeral-volume-controller', 'expand-controller', 'generic-garbage-collector',
  'horizontal-pod-autoscaler', 'job-controller', 'namespace-controller', 'node-controller', 'pod-garbage-collector', 'replicaset-controller',
  'replication-controller', 'resourcequota-controller', 'service-account-controller', 'statefulset-controller', 'ttl-after-finished-controller',
  'taint-eviction-controller', 'pvc-protection-controller', 'root-ca-cert-publisher', 'validatingadmissionpolicy-status-controller',
].map((name) => `system:serviceaccount:kube-system:${name}`))

export function callerOf (user: string, ownUsers: ReadonlySet<string>): Caller {
  if (ownUsers.has(user)) return 'own'
  if (SYSTEM_USERS.has(user) || CONTROLLERS.has(user)) return 'kubernetes'
  return user.startsWith('system:node:') ? 'kubelet' : 'somebody'
}

/** Whom a refusal could lock the cluster with: never denied, whatever they do. */
export const isNeverDenied = (user: string, caller: Caller): boolean =>
  caller !== 'somebody' || user.startsWith('system:serviceaccount:kube-system:')
