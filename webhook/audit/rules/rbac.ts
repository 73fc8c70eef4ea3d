import type { Severity } from '../../../src/core/admission/finding.ts'
import { finding, named, type Change, type Rule } from '../change.ts'
import { isSame, listAt, textAt, textsAt, valueAt } from '../field.ts'

const GROUP = 'rbac.authorization.k8s.io'
const isWrite = ({ operation, caller }: Change): boolean => (operation === 'CREATE' || operation === 'UPDATE') && caller !== 'kubernetes' && caller !== 'own'

/** Bindings of Kubernetes' own to everybody, which every cluster has: names and versions, no objects. */
const HARMLESS: ReadonlySet<string> = new Set(['system:discovery', 'system:basic-user', 'system:public-info-viewer', 'system:service-account-issuer-discovery'])
const NAMELESS: ReadonlySet<string> = new Set(['system:anonymous', 'system:unauthenticated'])
const EVERYBODY: ReadonlySet<string> = new Set([...NAMELESS, 'system:authenticated', 'system:serviceaccounts'])

export const binding: Rule = (change) => {
  if (change.group !== GROUP || (change.plural !== 'rolebindings' && change.plural !== 'clusterrolebindings') || !isWrite(change)) return []
  const known = new Set(subjectsOf(change.before))
  const news = subjectsOf(change.after).filter((subject) => !known.has(subject))
  if (news.length === 0) return []
  const role = textAt(change.after, 'roleRef', 'name')
  const clusterWide = change.plural === 'clusterrolebindings'
  const everybody = HARMLESS.has(role) ? [] : listAt(change.after, 'subjects').map((subject) => textAt(subject, 'name')).filter((name) => EVERYBODY.has(name))
  return [
    ...role === 'cluster-admin'
      ? [finding('WildcardBinding', `roleRef cluster-admin gives every verb on every resource${clusterWide ? '' : ' of the namespace'} to ${named(news)}: bind a role that names what is needed.`, clusterWide ? 'critical' : 'high')]
      : [],
    ...everybody.length > 0
      ? [finding('PublicBinding', `subjects: role ${role} is given to ${named(everybody)}: name the accounts that need it.`, everybody.some((name) => NAMELESS.has(name)) ? 'critical' : 'high')]
      : [],
  ]
}

const subjectsOf = (of: unknown): readonly string[] => listAt(of, 'subjects').map((subject) => {
  const namespace = textAt(subject, 'namespace')
  return `${textAt(subject, 'kind')} ${namespace === '' ? '' : `${namespace}/`}${textAt(subject, 'name')}`
})

/** Rights by which one gets more than the role says (kubernetes.io/docs/concepts/security/rbac-good-practices, "privilege escalation risks"). */
const RISKS: readonly { readonly group: string, readonly resources: readonly string[], readonly verbs: readonly string[], readonly clusterOnly?: boolean, readonly text: string }[] = [
  { group: GROUP, resources: ['roles', 'clusterroles'], verbs: ['escalate', 'bind'], text: 'give itself any role' },
  { group: '', resources: ['users', 'groups', 'serviceaccounts'], verbs: ['impersonate'], text: 'act as somebody else' },
  { group: '', resources: ['serviceaccounts/token'], verbs: ['create'], text: 'make tokens of other accounts' },
  { group: '', resources: ['secrets'], verbs: ['get', 'list', 'watch'], clusterOnly: true, text: 'read every Secret' },
  { group: '', resources: ['pods/exec', 'pods/attach', 'pods/ephemeralcontainers'], verbs: ['create', 'get', 'patch', 'update'], clusterOnly: true, text: 'run commands in every pod' },
  { group: '', resources: ['nodes/proxy'], verbs: ['get', 'create'], text: 'call kubelets past the API server\'s audit' },
  { group: 'admissionregistration.k8s.io', resources: ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'], verbs: ['create', 'update', 'patch', 'delete'], text: 'change what every admission meets' },
  { group: 'certificates.k8s.io', resources: ['certificatesigningrequests/approval'], verbs: ['update', 'patch'], text: 'approve certificates of other users' },
]

export const role: Rule = (change) => {
  const clusterWide = change.plural === 'clusterroles'
  if (change.group !== GROUP || (!clusterWide && change.plural !== 'roles') || !isWrite(change)) return []
  const before = listAt(change.before, 'rules')
  const news = listAt(change.after, 'rules').filter((rule) => !before.some((old) => isSame(old, rule)))
  if (news.some(isEverything)) {
    const severity: Severity = clusterWide ? 'critical' : 'high'
    return [finding('DangerousRole', `rules give every verb on every resource${clusterWide ? '' : ' of the namespace'}: name what is needed.`, severity)]
  }
  const risks = RISKS.filter((risk) => (clusterWide || risk.clusterOnly !== true) && news.some((rule) => carries(rule, risk))).map(({ text }) => text)
  return risks.length === 0 ? [] : [finding('DangerousRole', `rules let whoever is bound ${named(risks)}: name single objects by resourceNames, or leave the verbs out.`)]
}

const has = (rule: unknown, field: string, wanted: readonly string[]): boolean => textsAt(rule, field).some((item) => item === '*' || wanted.includes(item))

const isEverything = (rule: unknown): boolean => has(rule, 'verbs', []) && has(rule, 'resources', []) && has(rule, 'apiGroups', [])

/** A rule that names single objects is bounded by them. */
const carries = (rule: unknown, { group, resources, verbs }: (typeof RISKS)[number]): boolean =>
  valueAt(rule, 'resourceNames') === undefined && has(rule, 'apiGroups', [group]) && has(rule, 'verbs', verbs) &&
  has(rule, 'resources', [...resources, ...resources.flatMap((resource) => resource.includes('/') ? [`*/${resource.slice(resource.indexOf('/') + 1)}`] : [])])
