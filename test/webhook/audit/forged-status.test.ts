import fastJsonPatch from 'fast-json-patch'
import t from 'tap'
import type { AdmissionEntry } from '../../../src/core/admission/entry.ts'
import type { InjectionContext } from '../../../src/core/injection/settings.ts'
import type { KubernetesObject } from '../../../src/core/kubernetes/object.ts'
import { AdmissionAudit, ownServiceAccounts } from '../../../webhook/audit/admission-audit.ts'
import { applyInjection } from '../../../webhook/inject/apply.ts'
import { decideInjection } from '../../../webhook/inject/decide.ts'
import { contextWith } from '../inject/cases.ts'
import { app, AT, namespace, pod, request, STATUS } from './made-request.ts'

type Labels = Record<string, string>
const ENFORCING: Labels = { 'autoshield.dev/injection': 'enabled', 'autoshield.dev/admission': 'enforce' }

/** What the audit, with the injector's own judgement at hand, makes of a pod. */
function audited (object: Record<string, unknown>, labels: Labels = ENFORCING, context: InjectionContext | null = contextWith()): { allowed: boolean, codes: string[], injection: AdmissionEntry['injection'] } {
  const entries: AdmissionEntry[] = []
  const audit = new AdmissionAudit({
    log: { record: (entry) => { entries.push(entry) } },
    clock: { now: () => AT },
    namespaces: { byName: (name) => namespace(labels, name), ready: () => true },
    ownNamespace: 'autoshield',
    ownUsers: ownServiceAccounts('autoshield'),
    excludedNamespaces: ['kube-system'],
    decideInjection: { decide: decideInjection, context: () => context },
  })
  const { allowed } = audit.review(request({ on: '/pods', after: object }))
  const [entry] = entries
  if (entry === undefined) throw new Error('there is no entry')
  return { allowed, codes: entry.findings.map(({ code }) => code), injection: entry.injection }
}

function injected (object: Record<string, unknown>, labels: Labels): KubernetesObject {
  const before = { apiVersion: 'v1', kind: 'Pod', ...object } as KubernetesObject
  const decision = decideInjection({ pod: before, namespace: namespace(labels) }, contextWith())
  if (decision.kind === 'skip') throw new Error(decision.message)
  return applyInjection(before, decision, contextWith())
}

const FORGED = pod({
  containers: [{ name: 'app', image: 'app:1' }, { name: 'autoshield-observer', image: 'evil:1', securityContext: { privileged: true } }],
  volumes: [{ name: 'autoshield-identity', hostPath: { path: '/' } }],
}, { annotations: { 'autoshield.dev/status': STATUS } })

t.test('a status that somebody wrote hides nothing and passes no enforcing namespace', async (t) => {
  t.match(audited(FORGED), { allowed: false, codes: ['PrivilegedPod', 'HostPath', 'ForgedStatus'], injection: { kind: 'skip', reason: 'Missed' } })
  t.match(audited(FORGED, { 'autoshield.dev/admission': 'enforce' }), { allowed: false, codes: ['PrivilegedPod', 'HostPath', 'ForgedStatus'], injection: { reason: 'NamespaceNotLabelled' } })
  t.match(audited(FORGED, ENFORCING, null), { allowed: false, codes: ['PrivilegedPod', 'HostPath'] }, 'also while the injector\'s judgement is not to be had')
  const harmless = pod({ containers: [{ name: 'autoshield-observer', image: 'idle:1' }] }, { annotations: { 'autoshield.dev/status': STATUS } })
  t.match(audited(harmless), { allowed: false, codes: ['ForgedStatus'], injection: { reason: 'Missed' } })
})

t.test('an observer that somebody exchanged behind the injector is told', async (t) => {
  const real = injected(pod(), ENFORCING)
  const evil = fastJsonPatch.applyPatch(structuredClone(real), [{ op: 'replace', path: '/spec/initContainers/0/image', value: 'evil:1' }]).newDocument
  t.match(audited({ ...evil }), { codes: ['ForgedStatus'], injection: { reason: 'Missed' } })
})

t.test('a pod that was injected gives no finding, at any level', async (t) => {
  for (const level of ['privileged', 'baseline', 'restricted']) {
    const labels = { ...ENFORCING, 'pod-security.kubernetes.io/enforce': level }
    const real: Record<string, unknown> = { ...injected(pod(), labels) }
    t.match(audited(real, labels), { allowed: true, codes: [], injection: { kind: 'inject', reason: 'Injected' } }, level)
    t.match(audited(real, labels, null), { allowed: true, codes: [], injection: { reason: 'Injected' } }, `${level}, not asked`)
  }
})

t.test('what a LimitRange gives to each container by default is no forgery', async (t) => {
  const real = injected(pod(), ENFORCING)
  const ranged = fastJsonPatch.applyPatch(structuredClone(real), [
    { op: 'add', path: '/spec/initContainers/0/resources/limits/ephemeral-storage', value: '1Gi' },
    { op: 'add', path: '/spec/initContainers/0/resources/requests/ephemeral-storage', value: '1Gi' },
  ]).newDocument
  t.match(audited({ ...ranged }), { allowed: true, codes: [], injection: { reason: 'Injected' } })
})

t.test('a pod of another injector is that one\'s to answer for, but not with our own name', async (t) => {
  const labels = { ...ENFORCING, 'autoshield.dev/rev': 'canary' }
  const theirs = pod({ containers: [{ name: 'autoshield-observer', image: 'autoshield:2' }] }, { annotations: { 'autoshield.dev/status': STATUS.replace('"default"', '"canary"') } })
  t.match(audited(theirs, labels), { allowed: true, codes: [], injection: { reason: 'Injected' } })
  const ours = pod({ containers: [{ name: 'autoshield-observer', image: 'autoshield:2' }] }, { annotations: { 'autoshield.dev/status': STATUS } })
  t.match(audited(ours, labels), { allowed: false, codes: ['ForgedStatus'], injection: { reason: 'OtherRevision' } })
})

t.test('whoever claims to be another injector\'s is told to leave its namespace\'s', async (t) => {
  const dodging = pod({ containers: [{ name: 'autoshield-observer', image: 'idle:1' }] }, { labels: { 'autoshield.dev/rev': 'mine' }, annotations: { 'autoshield.dev/status': STATUS.replace('"default"', '"mine"') } })
  t.match(audited(dodging), { codes: ['OptsOut'] })
})

t.test('a pod without a status is judged as before', async (t) => {
  t.match(audited(app({}), ENFORCING), { allowed: true, codes: [], injection: { reason: 'Missed' } })
})
