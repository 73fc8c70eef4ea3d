import t from 'tap'
import { AUDITED_RULES } from '../../../src/core/admission/audited.ts'
import { MAKERS } from '../../../webhook/audit/caller.ts'
import { auditAdmission, type AuditContext } from '../../../webhook/audit/audit-admission.ts'
import { app, context, injected, labelled, type Made, namespace, pod, request, STATUS, workload } from './made-request.ts'

/** What is expected: `Code severity`, in order. */
type Row = readonly [what: string, made: Made, expected: readonly string[], given?: Partial<AuditContext>]

const mounting = (name: string) => pod({ volumes: [{ name: 's', secret: { secretName: name } }] })
const role = (...rules: object[]) => ({ rules })
const rule = (apiGroups: string[], resources: string[], verbs: string[], more = {}) => ({ apiGroups, resources, verbs, ...more })
const bound = (to: string, ...subjects: object[]) => ({ roleRef: { kind: 'ClusterRole', name: to }, subjects })
const user = (name: string) => ({ kind: 'User', name })
const group = (name: string) => ({ kind: 'Group', name })
const RBAC = 'rbac.authorization.k8s.io'
const ours = (spec: object) => ({ metadata: { labels: { 'app.kubernetes.io/managed-by': 'autoshield' } }, spec })
const CONTROLLER = 'system:serviceaccount:kube-system:replicaset-controller'
const owned = (object: Record<string, unknown>) => ({ ...object, metadata: { name: 'web-1', ownerReferences: [{ kind: 'ReplicaSet', name: 'web', controller: true }] } })
const privileged = app({ securityContext: { privileged: true } })
const OWN = 'system:serviceaccount:autoshield:autoshield-controller'
const INJECTION = 'autoshield.dev/injection'

const ROWS: readonly Row[] = [
  // What a pod may do.
  ['a plain pod', { on: '/pods', after: pod() }, []],
  ['a privileged container', { on: '/pods', after: privileged }, ['PrivilegedPod high']],
  ['privileged: false', { on: '/pods', after: app({ securityContext: { privileged: false } }) }, []],
  ['a privileged init container', { on: '/pods', after: pod({ initContainers: [{ name: 'i', securityContext: { privileged: true } }] }) }, ['PrivilegedPod high']],
  ['the node\'s network and processes, told once', { on: '/pods', after: pod({ hostNetwork: true, hostPID: true }) }, ['PrivilegedPod high']],
  ['a Windows host process', { on: '/pods', after: pod({ securityContext: { windowsOptions: { hostProcess: true } } }) }, ['PrivilegedPod high']],
  ['a path of the node', { on: '/pods', after: pod({ volumes: [{ name: 'h', hostPath: { path: '/' } }] }) }, ['HostPath high']],
  ['an empty directory', { on: '/pods', after: pod({ volumes: [{ name: 'h', emptyDir: {} }] }) }, []],
  ['SYS_ADMIN by its long name', { on: '/pods', after: app({ securityContext: { capabilities: { add: ['cap_sys_admin'] } } }) }, ['DangerousCapability high']],
  ['NET_BIND_SERVICE', { on: '/pods', after: app({ securityContext: { capabilities: { add: ['NET_BIND_SERVICE'] } } }) }, []],
  ['a Secret as a volume', { on: '/pods', after: mounting('s') }, ['NewSecretMount medium']],
  ['a Secret in a projected volume', { on: '/pods', after: pod({ volumes: [{ name: 'v', projected: { sources: [{ secret: { name: 's' } }] } }] }) }, ['NewSecretMount medium']],
  ['a Secret as environment, whole and by key, told once', { on: '/pods', after: app({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's' } } }], envFrom: [{ secretRef: { name: 's' } }] }) }, ['NewSecretMount medium']],
  ['a token of its own account', { on: '/pods', after: pod({ volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] }) }, []],
  ['a Deployment\'s template', { on: 'apps/deployments', after: workload(privileged) }, ['PrivilegedPod high']],
  ['a CronJob\'s template', { on: 'batch/cronjobs', after: { spec: { jobTemplate: { spec: { template: privileged } } } } }, ['PrivilegedPod high']],
  ['a new image for what was privileged before', { on: 'apps/deployments', before: workload(privileged), after: workload(app({ image: 'app:2', securityContext: { privileged: true } })) }, []],
  ['a Secret that an update adds to another', { on: 'apps/deployments', before: workload(mounting('a')), after: workload(mounting('b')) }, ['NewSecretMount medium']],
  ['the deletion of a privileged pod', { on: '/pods', before: privileged }, []],
  ['a pod that Kubernetes makes for its owner', { on: '/pods', after: owned(privileged), user: CONTROLLER }, []],
  ['a pod that such a controller makes for nobody', { on: '/pods', after: privileged, user: CONTROLLER }, ['PrivilegedPod high']],
  ['a pod by an account that only looks like a controller', { on: '/pods', after: owned(privileged), user: 'system:serviceaccount:kube-system:my-controller' }, ['PrivilegedPod high']],
  ['a kubelet\'s mirror of a static pod', { on: '/pods', namespace: 'kube-system', after: pod({ hostNetwork: true }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }), user: 'system:node:n1' }, []],
  ['a DaemonSet that is privileged by nature', { on: 'apps/daemonsets', namespace: 'kube-system', after: workload(privileged) }, ['PrivilegedPod low']],
  ['a privileged pod in kube-system by hand', { on: '/pods', namespace: 'kube-system', after: privileged }, ['PrivilegedPod high']],
  ['a privileged DaemonSet elsewhere', { on: 'apps/daemonsets', after: workload(privileged) }, ['PrivilegedPod high']],

  // Injection.
  ['a pod that opts out', { on: '/pods', after: pod({}, { labels: { 'autoshield.dev/inject': 'false' } }) }, ['OptsOut medium']],
  ['a template that opts out', { on: 'apps/deployments', after: workload(pod({}, { labels: { 'autoshield.dev/inject': 'false' } })) }, ['OptsOut medium']],
  ['one that opts out where nobody observes', { on: '/pods', after: pod({}, { labels: { 'autoshield.dev/inject': 'false' } }) }, [], { namespace: namespace() }],
  ['one that opts out in an unknown namespace', { on: '/pods', after: pod({}, { labels: { 'autoshield.dev/inject': 'false' } }) }, ['OptsOut medium'], { namespace: null }],
  ['one that opts out where an observer is required, which the injector tells', { on: '/pods', after: pod({}, { labels: { 'autoshield.dev/inject': 'false', 'autoshield.dev/rev': 'none' } }) }, [], { namespace: namespace({ [INJECTION]: 'required' }) }],
  ['a pod that asks for an injector that its namespace does not have', { on: '/pods', after: pod({}, { labels: { 'autoshield.dev/rev': 'none' } }) }, ['OptsOut medium']],
  ['a template that does', { on: 'apps/deployments', after: workload(pod({}, { labels: { 'autoshield.dev/rev': 'none' } })) }, ['OptsOut medium']],
  ['a pod with the default revision in a namespace of another', { on: '/pods', after: pod({}, { labels: { 'autoshield.dev/rev': 'default' } }) }, ['OptsOut medium'], { namespace: namespace({ [INJECTION]: 'enabled', 'autoshield.dev/rev': 'canary' }) }],
  ['a pod that names the revision of its namespace', { on: '/pods', after: pod({}, { labels: { 'autoshield.dev/rev': 'canary' } }) }, [], { namespace: namespace({ [INJECTION]: 'enabled', 'autoshield.dev/rev': 'canary' }) }],
  ['a pod that names the default revision where there is no other', { on: '/pods', after: pod({}, { labels: { 'autoshield.dev/rev': 'default' } }) }, []],
  ['another revision where nobody observes', { on: '/pods', after: pod({}, { labels: { 'autoshield.dev/rev': 'none' } }) }, [], { namespace: namespace() }],
  ['both ways out, told once', { on: '/pods', after: pod({}, { labels: { 'autoshield.dev/inject': 'false', 'autoshield.dev/rev': 'none' } }) }, ['OptsOut medium']],
  ['another revision on a pod that runs', { on: '/pods', before: pod(), after: pod({}, { labels: { 'autoshield.dev/rev': 'none' } }) }, ['OptsOut medium']],
  ['another revision that was there before', { on: '/pods', before: pod({}, { labels: { 'autoshield.dev/rev': 'none' } }), after: pod({}, { labels: { 'autoshield.dev/rev': 'none', a: 'b' } }) }, []],
  ['one that had opted out before', { on: '/pods', before: pod({}, { labels: { 'autoshield.dev/inject': 'false' } }), after: pod({}, { labels: { 'autoshield.dev/inject': 'false', a: 'b' } }) }, []],
  ['an injected pod, with the observer\'s own capabilities', { on: '/pods', after: injected() }, []],
  ['a status without an observer', { on: '/pods', after: pod({}, { annotations: { 'autoshield.dev/status': STATUS } }) }, ['ForgedStatus high']],
  ['a status that an update adds to a container of our name', { on: '/pods', before: pod({ containers: [{ name: 'autoshield-observer' }] }), after: pod({ containers: [{ name: 'autoshield-observer' }] }, { annotations: { 'autoshield.dev/status': STATUS } }) }, ['ForgedStatus high']],
  ['a status that is none', { on: '/pods', after: pod({}, { annotations: { 'autoshield.dev/status': 'injected' } }) }, ['ForgedStatus high']],
  ['a container with our name', { on: '/pods', after: pod({ containers: [{ name: 'autoshield-observer' }] }) }, ['NameTaken high']],
  ['a volume with our name', { on: '/pods', after: pod({ volumes: [{ name: 'autoshield-identity', emptyDir: {} }] }) }, ['NameTaken high']],
  ['the observer\'s image, changed', { on: '/pods', before: injected(), after: injected({}, 'evil:1') }, ['ObserverChanged high']],
  ['the observer\'s authorities, changed', { on: '/pods', before: injected(), after: injected({ 'autoshield.dev/authorities': 'OTHER' }) }, ['ObserverChanged high']],
  ['the same by AutoShield', { on: '/pods', before: injected(), after: injected({ 'autoshield.dev/authorities': 'OTHER' }), user: OWN }, []],
  ['another annotation of an injected pod', { on: '/pods', before: injected(), after: injected({ a: 'b' }) }, []],

  // Namespaces.
  ['the label, removed', { on: '/namespaces', name: 'shop', before: labelled({ [INJECTION]: 'enabled' }), after: labelled({}) }, ['LabelRemoved high']],
  ['the label, disabled', { on: '/namespaces', name: 'shop', before: labelled({ [INJECTION]: 'enabled' }), after: labelled({ [INJECTION]: 'disabled' }) }, ['LabelRemoved high']],
  ['required, made enabled', { on: '/namespaces', name: 'shop', before: labelled({ [INJECTION]: 'required' }), after: labelled({ [INJECTION]: 'enabled' }) }, ['LabelRemoved medium']],
  ['enabled, made required', { on: '/namespaces', name: 'shop', before: labelled({ [INJECTION]: 'enabled' }), after: labelled({ [INJECTION]: 'required' }) }, []],
  ['the label, set', { on: '/namespaces', name: 'shop', before: labelled({}), after: labelled({ [INJECTION]: 'enabled' }) }, []],
  ['another label', { on: '/namespaces', name: 'shop', before: labelled({ [INJECTION]: 'enabled' }), after: labelled({ [INJECTION]: 'enabled', team: 'a' }) }, []],
  ['enforce, removed', { on: '/namespaces', name: 'shop', before: labelled({ 'autoshield.dev/admission': 'enforce' }), after: labelled({}) }, ['AdmissionWeakened high']],
  ['warn, made enforce', { on: '/namespaces', name: 'shop', before: labelled({ 'autoshield.dev/admission': 'warn' }), after: labelled({ 'autoshield.dev/admission': 'enforce' }) }, []],
  ['Pod Security, lowered', { on: '/namespaces', name: 'shop', before: labelled({ 'pod-security.kubernetes.io/enforce': 'restricted' }), after: labelled({ 'pod-security.kubernetes.io/enforce': 'baseline' }) }, ['PodSecurityLowered high']],
  ['Pod Security, raised', { on: '/namespaces', name: 'shop', before: labelled({ 'pod-security.kubernetes.io/enforce': 'baseline' }), after: labelled({ 'pod-security.kubernetes.io/enforce': 'restricted' }) }, []],
  ['an observed namespace, deleted', { on: '/namespaces', name: 'shop', before: labelled({ [INJECTION]: 'enabled' }) }, ['NamespaceDeleted medium']],
  ['another namespace, deleted', { on: '/namespaces', name: 'shop', before: labelled({}) }, []],

  // Objects of ours and of others.
  ['a mitigation, edited', { on: 'autoshield.dev/mitigations', before: { spec: { action: 'deny' } }, after: { spec: { action: 'watch' } } }, ['MitigationChanged high']],
  ['a mitigation, deleted', { on: 'autoshield.dev/mitigations', before: { spec: {} } }, ['MitigationChanged high']],
  ['a mitigation, made by hand', { on: 'autoshield.dev/mitigations', after: { spec: {} } }, ['MitigationChanged high']],
  ['a mitigation, touched in its status alone', { on: 'autoshield.dev/mitigations', before: { spec: {}, status: 1 }, after: { spec: {}, status: 2 } }, []],
  ['a mitigation by AutoShield', { on: 'autoshield.dev/mitigations', before: { spec: {} }, user: OWN }, []],
  ['a mitigation that goes with its namespace', { on: 'autoshield.dev/mitigations', before: { spec: {} }, user: 'system:serviceaccount:kube-system:namespace-controller' }, []],
  ['a NetworkPolicy of ours, edited', { on: 'networking.k8s.io/networkpolicies', before: ours({ a: 1 }), after: ours({ a: 2 }) }, ['PolicyObjectChanged high']],
  ['a NetworkPolicy of ours that loses its label', { on: 'networking.k8s.io/networkpolicies', before: ours({ a: 1 }), after: { metadata: {}, spec: { a: 1 } } }, ['PolicyObjectChanged high']],
  ['a NetworkPolicy of ours, deleted', { on: 'networking.k8s.io/networkpolicies', before: ours({}) }, ['PolicyObjectChanged high']],
  ['a NetworkPolicy of somebody, deleted', { on: 'networking.k8s.io/networkpolicies', before: { spec: {} } }, ['NetworkPolicyRemoved medium']],
  ['a policy of Cilium\'s, ours, edited', { on: 'cilium.io/ciliumnetworkpolicies', before: ours({ a: 1 }), after: ours({ a: 2 }) }, ['PolicyObjectChanged high']],
  ['a policy of Cilium\'s, of somebody, deleted', { on: 'cilium.io/ciliumnetworkpolicies', before: { spec: {} } }, ['NetworkPolicyRemoved medium']],
  ['a policy of Cilium\'s for the cluster, deleted', { on: 'cilium.io/ciliumclusterwidenetworkpolicies', before: { spec: {} } }, ['NetworkPolicyRemoved medium']],
  ['a NetworkPolicy of somebody, made', { on: 'networking.k8s.io/networkpolicies', after: { spec: {} } }, []],
  ['our Deployment, edited', { on: 'apps/deployments', namespace: 'autoshield', before: workload(pod()), after: workload(pod({ x: 1 })) }, ['OwnWorkloadChanged high']],
  ['our Deployment, scaled', { on: 'apps/deployments/scale', namespace: 'autoshield', before: { spec: { replicas: 2 } }, after: { spec: { replicas: 0 } } }, ['OwnWorkloadChanged high']],
  ['our Role, emptied', { on: `${RBAC}/roles`, namespace: 'autoshield', before: role(rule([''], ['secrets'], ['get'])), after: role() }, ['OwnWorkloadChanged high']],
  ['our RoleBinding, without its subjects', { on: `${RBAC}/rolebindings`, namespace: 'autoshield', before: bound('autoshield', user('a')), after: bound('autoshield') }, ['OwnWorkloadChanged high']],
  ['our Role, written again as it was', { on: `${RBAC}/roles`, namespace: 'autoshield', before: { ...role(), metadata: { resourceVersion: '1' } }, after: { ...role(), metadata: { resourceVersion: '2' } } }, []],
  ['our Deployment, its status alone moved on', { on: 'apps/deployments', namespace: 'autoshield', before: { ...workload(pod()), status: { replicas: 1 } }, after: { ...workload(pod()), status: { replicas: 2 } } }, []],
  ['our pod, deleted', { on: '/pods', namespace: 'autoshield', before: pod() }, ['OwnWorkloadChanged medium']],
  ['our pod, deleted by Kubernetes', { on: '/pods', namespace: 'autoshield', before: pod(), user: CONTROLLER }, []],
  ['our Deployment, its status alone', { on: 'apps/deployments', namespace: 'autoshield', before: workload(pod()), after: workload(pod()) }, []],
  ['the glass broken on our namespace', { on: '/namespaces', name: 'autoshield', before: labelled({}), after: { metadata: { annotations: { 'autoshield.dev/webhooks': 'off' } } } }, ['OwnWorkloadChanged high']],

  // Rights.
  ['cluster-admin, bound', { on: `${RBAC}/clusterrolebindings`, namespace: '', after: bound('cluster-admin', user('eve')) }, ['WildcardBinding critical']],
  ['cluster-admin, in one namespace', { on: `${RBAC}/rolebindings`, after: bound('cluster-admin', user('eve')) }, ['WildcardBinding high']],
  ['cluster-admin, to one more', { on: `${RBAC}/clusterrolebindings`, before: bound('cluster-admin', user('a')), after: bound('cluster-admin', user('a'), user('b')) }, ['WildcardBinding critical']],
  ['cluster-admin, taken from one', { on: `${RBAC}/clusterrolebindings`, before: bound('cluster-admin', user('a'), user('b')), after: bound('cluster-admin', user('a')) }, []],
  ['another role, bound', { on: `${RBAC}/rolebindings`, after: bound('view', user('eve')) }, []],
  ['a role for everybody with an account', { on: `${RBAC}/clusterrolebindings`, after: bound('view', group('system:authenticated')) }, ['PublicBinding high']],
  ['a role for callers without a name', { on: `${RBAC}/clusterrolebindings`, after: bound('view', group('system:unauthenticated')) }, ['PublicBinding critical']],
  ['Kubernetes\' own discovery for everybody', { on: `${RBAC}/clusterrolebindings`, after: bound('system:discovery', group('system:authenticated')) }, []],
  ['the API server\'s own bindings at its start', { on: `${RBAC}/clusterrolebindings`, after: bound('cluster-admin', group('system:masters')), user: 'system:apiserver' }, []],
  ['a role of everything', { on: `${RBAC}/clusterroles`, after: role(rule(['*'], ['*'], ['*'])) }, ['DangerousRole critical']],
  ['a role of everything in a namespace', { on: `${RBAC}/roles`, after: role(rule(['*'], ['*'], ['*'])) }, ['DangerousRole high']],
  ['a role that reads every Secret', { on: `${RBAC}/clusterroles`, after: role(rule([''], ['secrets'], ['list'])) }, ['DangerousRole high']],
  ['a role that reads one Secret', { on: `${RBAC}/clusterroles`, after: role(rule([''], ['secrets'], ['get'], { resourceNames: ['one'] })) }, []],
  ['a role that reads a namespace\'s Secrets', { on: `${RBAC}/roles`, after: role(rule([''], ['secrets'], ['get'])) }, []],
  ['a role that may escalate', { on: `${RBAC}/roles`, after: role(rule([RBAC], ['roles'], ['escalate'])) }, ['DangerousRole high']],
  ['a role that may impersonate', { on: `${RBAC}/clusterroles`, after: role(rule([''], ['users'], ['impersonate'])) }, ['DangerousRole high']],
  ['a role for every subresource exec', { on: `${RBAC}/clusterroles`, after: role(rule([''], ['*/exec'], ['create'])) }, ['DangerousRole high']],
  ['a role that reads pods', { on: `${RBAC}/clusterroles`, after: role(rule([''], ['pods'], ['get', 'list'])) }, []],
  ['a role that was as dangerous before', { on: `${RBAC}/clusterroles`, before: role(rule(['*'], ['*'], ['*'])), after: role(rule(['*'], ['*'], ['*']), rule([''], ['pods'], ['get'])) }, []],
  ['a role that Kubernetes aggregates', { on: `${RBAC}/clusterroles`, after: role(rule(['*'], ['*'], ['*'])), user: 'system:serviceaccount:kube-system:clusterrole-aggregation-controller' }, []],

  // People at work in pods.
  ['a command in a pod', { on: '/pods/exec', operation: 'CONNECT', after: { command: ['sh', '-c', 'secret'], container: 'app' } }, ['PodExec medium']],
  ['somebody who attaches', { on: '/pods/attach', operation: 'CONNECT', after: {} }, ['PodAttach medium']],
  ['a tunnel', { on: '/pods/portforward', operation: 'CONNECT', after: {} }, ['PodPortForward low']],
  ['a debug container', { on: '/pods/ephemeralcontainers', before: pod(), after: pod({ ephemeralContainers: [{ name: 'd' }] }) }, ['PodDebug medium']],
  ['a privileged debug container', { on: '/pods/ephemeralcontainers', before: pod(), after: pod({ ephemeralContainers: [{ name: 'd', securityContext: { privileged: true } }] }) }, ['PrivilegedPod high', 'PodDebug medium']],
]

t.test('each finding fires for what it names, and for nothing else', async (t) => {
  for (const [what, made, expected, given] of ROWS) {
    const { entry } = auditAdmission(request(made), context(given))
    t.same(entry?.findings.map(({ code, severity }) => `${code} ${severity}`), expected, what)
  }
})

t.test('every kind that Kubernetes makes pods for is audited in their place', async (t) => {
  for (const [controller, kind] of Object.entries(MAKERS)) {
    const [group = '', plural = ''] = kind.split('/')
    const asked = AUDITED_RULES.filter(({ apiGroups, apiVersions, resources }) => apiGroups.includes(group) && apiVersions.includes('v1') && resources.includes(plural))
    t.same(asked.flatMap(({ operations }) => operations), ['CREATE', 'UPDATE', 'DELETE'], kind)
    const owner = plural === 'cronjobs' ? { spec: { jobTemplate: { spec: { template: privileged } } } } : workload(privileged)
    t.match(auditAdmission(request({ on: kind, after: owner }), context()).entry?.findings, [{ code: 'PrivilegedPod' }], kind)
    t.same(auditAdmission(request({ on: '/pods', after: owned(privileged), user: `system:serviceaccount:kube-system:${controller}` }), context()).entry?.findings, [], controller)
  }
})

t.test('a finding names the field', async (t) => {
  const { entry } = auditAdmission(request({ on: 'batch/cronjobs', after: { spec: { jobTemplate: { spec: { template: privileged } } } } }), context())
  t.match(entry?.findings[0]?.message, 'spec.jobTemplate.spec.template.spec.containers[app].securityContext.privileged')
})

t.test('of a command only the program is told', async (t) => {
  const { entry } = auditAdmission(request({ on: '/pods/exec', operation: 'CONNECT', after: { command: ['mysql', '-pSECRET'] } }), context())
  t.match(entry?.findings[0]?.message, '`mysql` is run in pod shop/web')
  t.notMatch(JSON.stringify(entry), /SECRET/)
})
