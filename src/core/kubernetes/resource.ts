/** A kind of object and where the API server serves it. `group` is empty for the core group. */
export interface Resource {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

const resource = (apiVersion: string, plural: string, kind: string, namespaced = true): Resource => {
  const [version = '', group = ''] = apiVersion.split('/').reverse()
  return { group, version, plural, kind, namespaced }
}

/** Every kind that AutoShield reads or writes. */
export const RESOURCES = {
  pods: resource('v1', 'pods', 'Pod'),
  nodes: resource('v1', 'nodes', 'Node', false),
  namespaces: resource('v1', 'namespaces', 'Namespace', false),
  services: resource('v1', 'services', 'Service'),
  secrets: resource('v1', 'secrets', 'Secret'),
  configMaps: resource('v1', 'configmaps', 'ConfigMap'),
  networkPolicies: resource('networking.k8s.io/v1', 'networkpolicies', 'NetworkPolicy'),
  ciliumNetworkPolicies: resource('cilium.io/v2', 'ciliumnetworkpolicies', 'CiliumNetworkPolicy'),
  ciliumClusterwideNetworkPolicies: resource('cilium.io/v2', 'ciliumclusterwidenetworkpolicies', 'CiliumClusterwideNetworkPolicy', false),
  events: resource('events.k8s.io/v1', 'events', 'Event'),
  endpointSlices: resource('discovery.k8s.io/v1', 'endpointslices', 'EndpointSlice'),
  leases: resource('coordination.k8s.io/v1', 'leases', 'Lease'),
  deployments: resource('apps/v1', 'deployments', 'Deployment'),
  replicaSets: resource('apps/v1', 'replicasets', 'ReplicaSet'),
  statefulSets: resource('apps/v1', 'statefulsets', 'StatefulSet'),
  daemonSets: resource('apps/v1', 'daemonsets', 'DaemonSet'),
  jobs: resource('batch/v1', 'jobs', 'Job'),
  tokenReviews: resource('authentication.k8s.io/v1', 'tokenreviews', 'TokenReview', false),
  selfSubjectAccessReviews: resource('authorization.k8s.io/v1', 'selfsubjectaccessreviews', 'SelfSubjectAccessReview', false),
  subjectAccessReviews: resource('authorization.k8s.io/v1', 'subjectaccessreviews', 'SubjectAccessReview', false),
  mutatingWebhooks: resource('admissionregistration.k8s.io/v1', 'mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', false),
  validatingWebhooks: resource('admissionregistration.k8s.io/v1', 'validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', false),
  apiServices: resource('apiregistration.k8s.io/v1', 'apiservices', 'APIService', false),
  clusterRoles: resource('rbac.authorization.k8s.io/v1', 'clusterroles', 'ClusterRole', false),
  customResourceDefinitions: resource('apiextensions.k8s.io/v1', 'customresourcedefinitions', 'CustomResourceDefinition', false),
  mitigations: resource('autoshield.dev/v1alpha1', 'mitigations', 'Mitigation'),
  threatPolicies: resource('autoshield.dev/v1alpha1', 'threatpolicies', 'ThreatPolicy'),
  exceptions: resource('autoshield.dev/v1alpha1', 'exceptions', 'Exception'),
  meshPolicies: resource('autoshield.dev/v1alpha1', 'meshpolicies', 'MeshPolicy'),
} as const satisfies Record<string, Resource>

export const apiVersionOf = ({ group, version }: Resource): string => group === '' ? version : `${group}/${version}`
