import fc from 'fast-check'
import t from 'tap'
import { Check } from 'typebox/value'
import { AdmissionEntry } from '../../../src/core/admission/entry.ts'
import { ENTRY_BOUNDS } from '../../../src/core/admission/bounds.ts'
import { auditAdmission, type AuditContext } from '../../../webhook/audit/audit-admission.ts'
import { AdmissionRequest } from '../../../webhook/review.ts'
import { ANNA, app, context, labelled, type Made, namespace, pod, request } from './made-request.ts'

const privileged = app({ securityContext: { privileged: true } })
const ENFORCE = namespace({ 'autoshield.dev/admission': 'enforce' })

t.test('who did what to what is on record', async (t) => {
  const { entry, allowed, warnings, auditAnnotations } = auditAdmission(request({ on: '/pods', after: pod() }), context())
  t.same(entry, {
    review: '5f2a',
    at: '2026-03-01T12:00:00.000Z',
    user: ANNA,
    groups: ['system:authenticated'],
    operation: 'CREATE',
    resource: '/v1/pods',
    namespace: 'shop',
    name: 'web',
    uid: 'u1',
    mode: 'audit',
    allowed: true,
    findings: [],
    injection: null,
    seenBy: 'webhook',
  })
  t.equal(allowed, true)
  t.same(warnings, [])
  t.same(auditAnnotations, { mode: 'audit' })
})

t.test('a generated name is taken from the object', async (t) => {
  const { entry } = auditAdmission(request({ on: '/pods', after: pod({}, { name: 'web-x7' }), name: '' }), context())
  t.equal(entry?.name, 'web-x7')
})

t.test('a dry run leaves no entry, and is told the same', async (t) => {
  const { entry, allowed, status } = auditAdmission(request({ on: '/pods', after: privileged, dryRun: true }), context({ namespace: ENFORCE }))
  t.equal(entry, null)
  t.equal(allowed, false)
  t.equal(status?.code, 403)
})

t.test('nobody hears of the audit unless the namespace warns', async (t) => {
  const silent = auditAdmission(request({ on: '/pods', after: privileged }), context())
  t.same([silent.allowed, silent.warnings], [true, []])
  t.match(silent.auditAnnotations, { findings: 'PrivilegedPod', severity: 'high' })
  const { allowed, warnings } = auditAdmission(request({ on: '/pods', after: privileged }), context({ namespace: namespace({ 'autoshield.dev/admission': 'warn' }) }))
  t.equal(allowed, true)
  t.match(warnings[0], /^AutoShield: PrivilegedPod: .*spec\.containers\[app\]\.securityContext\.privileged: set it to false/)
  t.ok((warnings[0]?.length ?? 0) <= 256)
})

t.test('a refusal names finding, field, mend and why it is one', async (t) => {
  const { allowed, status, entry } = auditAdmission(request({ on: '/pods', after: privileged }), context({ namespace: ENFORCE }))
  t.equal(allowed, false)
  t.equal(entry?.allowed, false)
  t.match(status?.message, /^PrivilegedPod \(high\): .*spec\.containers\[app\]\.securityContext\.privileged: set it to false.*autoshield\.dev\/admission=enforce/)
})

/** Everything of which enforcing must keep its hands. */
const NEVER_DENIED: readonly (readonly [string, Made, Partial<AuditContext>?])[] = [
  ['a finding below high', { on: '/pods/exec', operation: 'CONNECT', after: { command: ['sh'] } }],
  ['an own account', { on: '/pods', after: privileged, user: 'system:serviceaccount:autoshield:autoshield-controller' }],
  ['any account of kube-system', { on: '/pods', after: privileged, user: 'system:serviceaccount:kube-system:my-cni' }],
  ['a kubelet', { on: '/pods', after: privileged, user: 'system:node:n1' }],
  ['an excluded namespace', { on: '/pods', after: privileged, namespace: 'kube-system' }],
  ['our own namespace', { on: '/pods', after: privileged, namespace: 'autoshield' }],
  ['the deletion of a pod', { on: '/pods', before: privileged }],
  ['an unknown namespace', { on: '/pods', after: privileged }, { namespace: null }],
  ['a mode that is none', { on: '/pods', after: privileged }, { namespace: namespace({ 'autoshield.dev/admission': 'strict' }) }],
  ['what lives in no namespace', { on: 'rbac.authorization.k8s.io/clusterrolebindings', namespace: '', after: { roleRef: { name: 'cluster-admin' }, subjects: [{ name: 'eve' }] } }, { namespace: null }],
  ['the end of enforcing', { on: '/namespaces', name: 'shop', before: labelled({ 'autoshield.dev/admission': 'enforce' }), after: labelled({}) }],
  ['the end of enforcing and of injection in one', { on: '/namespaces', name: 'shop', before: labelled({ 'autoshield.dev/admission': 'enforce', 'autoshield.dev/injection': 'enabled' }), after: labelled({}) }],
  ['the deletion of an enforcing namespace', { on: '/namespaces', name: 'shop', before: labelled({ 'autoshield.dev/admission': 'enforce', 'autoshield.dev/injection': 'enabled' }) }],
]

t.test('enforcing cannot lock a cluster', async (t) => {
  for (const [what, made, given] of NEVER_DENIED) {
    const { allowed, status } = auditAdmission(request(made), context({ namespace: ENFORCE, ...given }))
    t.equal(allowed, true, what)
    t.equal(status, undefined, what)
  }
})

t.test('an enforcing namespace keeps its injection label', async (t) => {
  const enforcing = { 'autoshield.dev/admission': 'enforce' }
  const made = request({ on: '/namespaces', name: 'shop', before: labelled({ ...enforcing, 'autoshield.dev/injection': 'enabled' }), after: labelled(enforcing) })
  const { allowed, status } = auditAdmission(made, context({ namespace: null }))
  t.equal(allowed, false)
  t.match(status?.message, /^LabelRemoved .*kubectl label --overwrite namespace shop autoshield\.dev\/injection=enabled/)
})

const FIELDS = ['metadata', 'spec', 'template', 'containers', 'initContainers', 'volumes', 'name', 'labels', 'annotations', 'securityContext', 'privileged', 'capabilities', 'add', 'hostPath', 'env', 'rules', 'verbs', 'subjects', 'roleRef', 'autoshield.dev/status', 'ownerReferences', '__proto__']
const anything = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof({ maxDepth: 6, withCrossShrink: true }, fc.constantFrom<unknown>(null, true, 3, '', 'x'.repeat(3_000), '\u{1F600}'.repeat(400)), fc.array(tie('value'), { maxLength: 5 }), fc.dictionary(fc.constantFrom(...FIELDS), tie('value'), { maxKeys: 5 })),
})).value
const object = fc.oneof(fc.constant(null), fc.dictionary(fc.constantFrom(...FIELDS), anything))
const place = fc.constantFrom('/pods', '/pods/exec', '/pods/ephemeralcontainers', '/namespaces', 'apps/deployments', 'batch/cronjobs', 'networking.k8s.io/networkpolicies', 'rbac.authorization.k8s.io/clusterroles', 'rbac.authorization.k8s.io/rolebindings', 'autoshield.dev/mitigations')

t.test('whatever a review holds, the entry is of its schema and within its bounds', async (t) => {
  fc.assert(fc.property(place, fc.constantFrom('CREATE', 'UPDATE', 'DELETE', 'CONNECT'), object, object, fc.string({ maxLength: 600 }), fc.array(fc.string({ maxLength: 300 }), { maxLength: 60 }), (on, operation, before, after, username, groups) => {
    const made = { ...request({ on, operation, user: username }), object: after, oldObject: before, userInfo: { username, groups } }
    if (!Check(AdmissionRequest, made)) throw new Error('the property makes no review')
    const { entry, warnings, auditAnnotations } = auditAdmission(made, context({ namespace: namespace({ 'autoshield.dev/admission': 'warn', 'autoshield.dev/injection': 'enabled' }) }))
    return Check(AdmissionEntry, entry) && entry.groups.length <= ENTRY_BOUNDS.groups && JSON.stringify(entry).length < 60_000 &&
      warnings.every((text) => text.length <= 256 && !/\p{Cc}/u.test(text)) && Object.keys(auditAnnotations).every((key) => /^[a-z]+$/.test(key))
  }), { numRuns: 3_000 })
})
