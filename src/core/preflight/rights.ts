/** Rights on one kind of object, as RBAC has them; `own` is our own namespace. */
export interface Right {
  readonly group: string
  /** Plural, and its subresource where it is about that: `mitigations/status`. */
  readonly resource: string
  /** `{namespace}` in it stands for our own. */
  readonly name?: string
  readonly verbs: readonly string[]
  readonly where: 'cluster' | 'own'
}

const cluster = (group: string, resource: string, ...verbs: string[]): Right => ({ group, resource, verbs, where: 'cluster' })
const own = (group: string, resource: string, name: string, ...verbs: string[]): Right => ({ group, resource, name, verbs, where: 'own' })

/** What the code of each service account uses. The chart grants it; `test/controller/preflight/rights.test.ts` compares. */
export const ACCOUNT_RIGHTS: Readonly<Record<'autoshield-webhook' | 'autoshield-detector' | 'autoshield-controller', readonly Right[]>> = {
  'autoshield-webhook': [
    cluster('', 'namespaces', 'list', 'watch'),
    own('', 'secrets', 'autoshield-webhook-tls', 'get', 'list', 'watch'),
  ],
  'autoshield-detector': [cluster('', 'pods', 'list', 'watch')],
  'autoshield-controller': [
    cluster('', 'pods', 'get', 'list', 'watch'),
    cluster('', 'namespaces', 'list', 'watch'),
    cluster('', 'services', 'list', 'watch'),
    cluster('', 'nodes', 'list', 'watch'),
    cluster('discovery.k8s.io', 'endpointslices', 'list', 'watch'),
    cluster('apps', 'replicasets', 'list', 'watch'),
    cluster('apiregistration.k8s.io', 'apiservices', 'list', 'watch'),
    cluster('networking.k8s.io', 'networkpolicies', 'list', 'watch'),
    cluster('cilium.io', 'ciliumnetworkpolicies', 'list', 'watch'),
    cluster('cilium.io', 'ciliumclusterwidenetworkpolicies', 'list', 'watch'),
    { ...cluster('apiextensions.k8s.io', 'customresourcedefinitions', 'list', 'watch'), name: 'ciliumnetworkpolicies.cilium.io' },
    cluster('events.k8s.io', 'events', 'create'),
    cluster('authentication.k8s.io', 'tokenreviews', 'create'),
    { ...cluster('rbac.authorization.k8s.io', 'clusterroles', 'get'), name: 'autoshield-controller-{namespace}' },
    // Writing them is granted under the name of the revision alone; whether they are there is a check of its own.
    cluster('admissionregistration.k8s.io', 'mutatingwebhookconfigurations', 'list', 'watch'),
    cluster('admissionregistration.k8s.io', 'validatingwebhookconfigurations', 'list', 'watch'),
    { group: '', resource: 'secrets', verbs: ['create'], where: 'own' },
    own('', 'secrets', 'autoshield-ca', 'get', 'list', 'watch', 'update'),
    own('', 'secrets', 'autoshield-webhook-tls', 'get', 'list', 'watch', 'update'),
    own('', 'configmaps', 'autoshield-authorities', 'list', 'watch', 'create', 'patch'),
    own('', 'configmaps', 'autoshield-panic', 'list', 'watch'),
    own('', 'configmaps', 'autoshield-coverage', 'create', 'patch'),
    { group: 'autoshield.dev', resource: 'mitigations', verbs: ['list', 'watch', 'create', 'patch', 'delete'], where: 'own' },
    { group: 'autoshield.dev', resource: 'mitigations/status', verbs: ['patch'], where: 'own' },
    { group: 'autoshield.dev', resource: 'threatpolicies', verbs: ['list', 'watch'], where: 'own' },
    { group: 'autoshield.dev', resource: 'threatpolicies/status', verbs: ['patch'], where: 'own' },
    { group: 'autoshield.dev', resource: 'exceptions', verbs: ['list', 'watch', 'create', 'delete'], where: 'own' },
    { group: 'autoshield.dev', resource: 'exceptions/status', verbs: ['patch'], where: 'own' },
    { group: 'autoshield.dev', resource: 'meshpolicies', verbs: ['list', 'watch'], where: 'own' },
    { group: 'autoshield.dev', resource: 'meshpolicies/status', verbs: ['patch'], where: 'own' },
  ],
}

/** What one needs to install the chart, and to break the glass; the same test compares it with the chart's objects. */
export const INSTALLER_RIGHTS: readonly Right[] = [
  ...['namespaces'].map((resource) => cluster('', resource, 'create', 'patch')),
  ...['clusterroles', 'clusterrolebindings'].map((resource) => cluster('rbac.authorization.k8s.io', resource, 'create', 'patch')),
  cluster('scheduling.k8s.io', 'priorityclasses', 'create', 'patch'),
  cluster('apiextensions.k8s.io', 'customresourcedefinitions', 'create', 'patch'),
  ...['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].map((resource) => cluster('admissionregistration.k8s.io', resource, 'list', 'delete')),
  ...['serviceaccounts', 'services', 'configmaps', 'secrets', 'persistentvolumeclaims'].map((resource): Right => ({ group: '', resource, verbs: ['create', 'patch'], where: 'own' })),
  { group: 'apps', resource: 'deployments', verbs: ['create', 'patch'], where: 'own' },
  { group: 'policy', resource: 'poddisruptionbudgets', verbs: ['create', 'patch'], where: 'own' },
  { group: 'networking.k8s.io', resource: 'networkpolicies', verbs: ['create', 'patch'], where: 'own' },
  ...['roles', 'rolebindings'].map((resource): Right => ({ group: 'rbac.authorization.k8s.io', resource, verbs: ['create', 'patch'], where: 'own' })),
]
