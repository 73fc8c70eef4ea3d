import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { askAccounts } from '../../../src/controller/preflight/ask-rights.ts'
import { isRecord } from '../../../src/core/kubernetes/read-object.ts'
import { ACCOUNT_RIGHTS, INSTALLER_RIGHTS, type Right } from '../../../src/core/preflight/rights.ts'
import { FakeKubernetes } from '../../kubernetes/fake-api.ts'

const CHART = new URL('../../../deploy/chart/', import.meta.url)

interface Rule { readonly apiGroups?: readonly string[], readonly resources?: readonly string[], readonly resourceNames?: readonly string[], readonly verbs: readonly string[] }
interface Role { readonly kind: string, readonly metadata: { readonly name: string }, readonly rules?: readonly Rule[] }

/** `autoshield-webhook own get /secrets/autoshield-webhook-tls`, of each rule that the chart gives. */
function granted (): ReadonlySet<string> {
  const template = readFileSync(new URL('templates/rbac.yaml', CHART), 'utf8').replace(/\{\{-? range[^]*$/, '')
    .replaceAll('{{ .Release.Namespace }}', '{namespace}').replaceAll('{{ .Values.injection.revision }}', '{revision}').replaceAll(/\{\{[^}]*\}\}/g, '')
  const roles = parseAllDocuments(template).map((document) => document.toJS() as Role | null).filter((role) => role !== null)
  return new Set(roles.flatMap(({ kind, metadata, rules = [] }) => rules.flatMap(({ apiGroups = [], resources = [], resourceNames = [''], verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => resourceNames.flatMap((name) => verbs.map((verb) => `${metadata.name.replace('-{namespace}', '')} ${kind === 'Role' ? 'own' : 'cluster'} ${verb} ${group}/${resource}/${name}`)))))))
}

const asked = (): readonly string[] => Object.entries(ACCOUNT_RIGHTS).flatMap(([account, rights]) =>
  rights.flatMap(({ group, resource, name = '', verbs, where }) => verbs.map((verb) => `${account} ${where} ${verb} ${group}/${resource}/${name}`)))

/** Granted under the name of the revision, which is not known before the settings are; whether the configurations are there is a check of its own. */
const BY_REVISION = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].flatMap((resource) =>
  ['get', 'create', 'update', 'patch', 'delete'].map((verb) => `autoshield-controller cluster ${verb} admissionregistration.k8s.io/${resource}/autoshield-{revision}`))

/** Granted only where it may act, or where an action is allowed; check does not know. */
const TO_ACT = [
  'create networking.k8s.io/networkpolicies/', 'patch networking.k8s.io/networkpolicies/', 'delete networking.k8s.io/networkpolicies/', 'patch /pods/', 'update /pods/',
  'create cilium.io/ciliumnetworkpolicies/', 'patch cilium.io/ciliumnetworkpolicies/', 'delete cilium.io/ciliumnetworkpolicies/',
  'create /pods/eviction/', 'get /pods/log/', 'list events.k8s.io/events/', 'update /nodes/',
].map((right) => `autoshield-controller cluster ${right}`)

/** Granted only where there are several controllers. */
const TO_LEAD = ['create coordination.k8s.io/leases/', 'get coordination.k8s.io/leases/autoshield-controller', 'update coordination.k8s.io/leases/autoshield-controller', 'patch /pods/']
  .map((right) => `autoshield-controller own ${right}`)
const NOT_ASKED = [...BY_REVISION, ...TO_ACT, ...TO_LEAD]

t.test('check asks for no right that the chart does not grant', async (t) => {
  t.ok(granted().size > 10)
  t.same(asked().filter((right) => !granted().has(right)), [])
})

t.test('check asks for every right that the chart grants, but for those that are named', async (t) => {
  t.same([...granted()].filter((right) => !asked().includes(right)).sort(), [...NOT_ASKED].sort())
})

/** `apps/Deployment` of each object that the chart makes. */
function chartObjects (): ReadonlySet<string> {
  const files = ['templates/', 'crds/'].flatMap((folder) => readdirSync(new URL(folder, CHART)).filter((name) => name.endsWith('.yaml')).map((name) => new URL(folder + name, CHART)))
  return new Set(files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/^apiVersion: (?:(.+)\/)?[^/\n]+\nkind: (\w+)$/gm)].map(([, group = '', kind = '']) => `${group}/${kind}`)))
}

const pluralOf = (kind: string): string => kind.toLowerCase().replace(/(?:y|(s))?$/, (end) => end === 'y' ? 'ies' : `${end}${end === 's' ? 'es' : 's'}`)
const idOf = ({ group, resource }: Right): string => `${group}/${resource}`

t.test('check asks whether one may install each object of the chart, and nothing else', async (t) => {
  const wanted = [...chartObjects()].map((object) => object.replace(/\w+$/, pluralOf))
  t.ok(wanted.length > 12)
  const installable = INSTALLER_RIGHTS.filter(({ verbs }) => ['create', 'patch'].every((verb) => verbs.includes(verb))).map(idOf)
  t.same(wanted.filter((object) => !installable.includes(object)), [])
  // Helm keeps what it installed in Secrets; the configurations are what breaking the glass takes away.
  const others = ['/secrets', 'admissionregistration.k8s.io/mutatingwebhookconfigurations', 'admissionregistration.k8s.io/validatingwebhookconfigurations']
  t.same(INSTALLER_RIGHTS.map(idOf).filter((object) => !wanted.includes(object)).sort(), others)
})

t.test('a right on a subresource is asked for as one, and one on our own role by its name', async (t) => {
  const api = new FakeKubernetes()
  const attributes: unknown[] = []
  api.answers.set('subjectaccessreviews', (review) => {
    attributes.push(isRecord(review['spec']) ? review['spec']['resourceAttributes'] : null)
    return { ...review, status: { allowed: false } }
  })
  const { missing } = await askAccounts(api, 'guard')
  t.match(attributes.filter((each) => isRecord(each) && 'subresource' in each), [{ group: 'autoshield.dev', resource: 'mitigations', subresource: 'status', verb: 'patch', namespace: 'guard' }])
  t.match(missing.find(({ resource }) => resource.includes('status')), { who: 'autoshield-controller', verb: 'patch', resource: 'mitigations.autoshield.dev/status', namespace: 'guard' })
  t.match(missing.find(({ resource }) => resource.startsWith('clusterroles')), { verb: 'get', resource: 'clusterroles.rbac.authorization.k8s.io/autoshield-controller-guard' })
})
