/** Who asks: AutoShield itself, Kubernetes' own parts, a node's kubelet, or anybody else. */
export type Caller = 'own' | 'kubernetes' | 'kubelet' | 'somebody'

const SYSTEM_USERS: ReadonlySet<string> = new Set(['system:kube-controller-manager', 'system:kube-scheduler', 'system:apiserver'])

/** The controllers that make pods, or what makes pods, for an owner of this kind: the owner must be audited in the pods' place. */
export const MAKERS: Readonly<Record<string, string>> = {
  'cronjob-controller': 'batch/cronjobs',
  'daemon-set-controller': 'apps/daemonsets',
  'deployment-controller': 'apps/deployments',
  'job-controller': 'batch/jobs',
  'replicaset-controller': 'apps/replicasets',
  'replication-controller': '/replicationcontrollers',
  'statefulset-controller': 'apps/statefulsets',
}

/**
 * Service accounts of kube-controller-manager's controllers (cmd/kube-controller-manager/app/controllermanager.go, 1.34),
 * as far as they write what is audited. A closed list: an account of another name in kube-system is somebody.
 */
const CONTROLLERS: ReadonlySet<string> = new Set([
  ...Object.keys(MAKERS), 'clusterrole-aggregation-controller', 'disruption-controller',
  'endpoint-controller', 'endpointslice-controller', 'ephemeral-volume-controller', 'expand-controller', 'generic-garbage-collector',
  'horizontal-pod-autoscaler', 'namespace-controller', 'node-controller', 'pod-garbage-collector',
  'resourcequota-controller', 'service-account-controller', 'ttl-after-finished-controller',
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
