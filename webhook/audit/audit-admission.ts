import { boundEntry } from '../../src/core/admission/bounds.ts'
import type { AdmissionEntry, AdmissionFinding, AdmissionMode } from '../../src/core/admission/entry.ts'
import { atLeast, gravest, type FindingCode } from '../../src/core/admission/finding.ts'
import { modeOf } from '../../src/core/admission/mode.ts'
import type { Namespace } from '../../src/core/kubernetes/object.ts'
import type { AdmissionRequest } from '../review.ts'
import { callerOf, isNeverDenied } from './caller.ts'
import type { Change, Rule } from './change.ts'
import { listAt, mapAt, textAt, valueAt } from './field.ts'
import { responseTexts } from './response-texts.ts'
import { podCalls } from './rules/connect.ts'
import { forged, observerChanged, optsOut } from './rules/injection.ts'
import { namespaceLabels } from './rules/namespace.ts'
import { mitigationChanged, networkPolicyChanged, ownWorkloadChanged } from './rules/objects.ts'
import { POD_POWER_CODES, podPower } from './rules/pod-power.ts'
import { binding, role } from './rules/rbac.ts'

const RULES: readonly Rule[] = [
  podPower, optsOut, forged, observerChanged, namespaceLabels, mitigationChanged, networkPolicyChanged, ownWorkloadChanged, binding, role, podCalls,
]

/** What an admission is judged with. */
export interface AuditContext {
  /** The namespace that it happens in, as it is now; null where it is not known, or there is none. */
  readonly namespace: Namespace | null
  /** User names of AutoShield's own service accounts. */
  readonly ownUsers: ReadonlySet<string>
  readonly ownNamespace: string
  /** Where nothing is ever denied: kube-system and the like. */
  readonly excludedNamespaces: readonly string[]
  readonly injection: AdmissionEntry['injection']
  /** See Change. */
  readonly hasTrueStatus: boolean | null
  /** Unix milliseconds. */
  readonly nowMs: number
}

export interface AuditVerdict {
  readonly allowed: boolean
  readonly status?: { readonly code: number, readonly message: string }
  readonly warnings: readonly string[]
  readonly auditAnnotations: Readonly<Record<string, string>>
  /** What goes on record; null for a dry run, which changes nothing. */
  readonly entry: AdmissionEntry | null
}

/** Denied are findings at or above this, where the namespace's mode is `enforce`. */
const DENY_FROM = 'high'

/** What is told of one admission, and whether it may be. Pure and total. */
export function auditAdmission (request: AdmissionRequest, context: AuditContext): AuditVerdict {
  const change = changeOf(request, context)
  const findings = RULES.flatMap((rule) => rule(change)).filter((found) => !belongsToOwner(change, found)).map((found) => lowered(change, context, found))
  const mode = modeFor(change)
  const refused = mode === 'enforce' && mayDeny(change, request, context, findings) ? gravest(findings.filter(({ severity }) => atLeast(severity, DENY_FROM))) : undefined
  const entry = boundEntry({
    review: request.uid,
    at: new Date(context.nowMs).toISOString(),
    user: userOf(request),
    groups: request.userInfo.groups ?? [],
    operation: request.operation,
    resource: [request.resource.group, request.resource.version, request.resource.resource, ...change.subresource === '' ? [] : [change.subresource]].join('/'),
    namespace: change.namespace,
    name: change.name,
    uid: textAt(change.before ?? change.after, 'metadata', 'uid'),
    mode,
    allowed: refused === undefined,
    findings,
    injection: context.injection,
    seenBy: 'webhook',
  })
  return { allowed: refused === undefined, ...responseTexts(entry, refused), entry: request.dryRun === true ? null : entry }
}

const userOf = ({ userInfo }: AdmissionRequest): string => userInfo.username ?? ''

function changeOf (request: AdmissionRequest, { namespace, ownUsers, ownNamespace, hasTrueStatus }: AuditContext): Change {
  const [before, after] = [request.oldObject ?? null, request.object ?? null]
  // A generated name is in the object only: the request was made without one.
  const name = request.name === undefined || request.name === '' ? textAt(after ?? before, 'metadata', 'name') : request.name
  return {
    operation: request.operation,
    group: request.resource.group,
    plural: request.resource.resource,
    subresource: request.subResource ?? '',
    namespace: request.resource.resource === 'namespaces' ? name : request.namespace ?? '',
    name,
    before,
    after,
    caller: callerOf(userOf(request), ownUsers),
    hasTrueStatus,
    home: namespace,
    ownNamespace,
  }
}

/** A namespace's own change is judged by the mode in force before it; what is in no namespace has none, and is audited. */
function modeFor ({ plural, before, after, home }: Change): AdmissionMode {
  if (plural === 'namespaces') return modeOf(mapAt(before ?? after, 'metadata', 'labels'))
  return home === null ? 'audit' : modeOf(home.labels)
}

/** Findings that are on the record of whoever wrote the template. */
const TEMPLATE_CODES: ReadonlySet<FindingCode> = new Set<FindingCode>([...POD_POWER_CODES, 'OptsOut', 'ForgedStatus', 'NameTaken'])

/**
 * A pod that a controller of Kubernetes makes is its owner's, and who wrote the template is on the owner's own entry. A
 * kubelet's mirror of a static pod is of whoever writes on the node. What belongs to somebody is not said of the messenger.
 */
function belongsToOwner ({ caller, plural, after }: Change, { code }: AdmissionFinding): boolean {
  if (!TEMPLATE_CODES.has(code)) return false
  switch (caller) {
    case 'somebody': return false
    case 'own': return true
    case 'kubelet': return valueAt(after, 'metadata', 'annotations', 'kubernetes.io/config.mirror') !== undefined
    case 'kubernetes': return plural !== 'pods' || listAt(after, 'metadata', 'ownerReferences').some((owner) => valueAt(owner, 'controller') === true)
  }
}

/** DaemonSets of an excluded namespace (CNI, kube-proxy, storage) reach their nodes by nature. */
function lowered ({ plural, namespace }: Change, { excludedNamespaces }: AuditContext, found: AdmissionFinding): AdmissionFinding {
  const byNature = plural === 'daemonsets' && excludedNamespaces.includes(namespace) && POD_POWER_CODES.some((power) => power === found.code)
  return byNature ? { ...found, severity: 'low' } : found
}

/**
 * Enforcing must not be able to lock a cluster, so these are never denied:
 *
 * | what | why |
 * | --- | --- |
 * | anything by AutoShield, Kubernetes' own parts, kubelets, accounts of kube-system | the cluster repairs itself through them |
 * | anything in an excluded namespace or our own | the cluster, and we, could not be mended |
 * | deletion of pods and of namespaces | what misbehaves must always be removable |
 * | a change of a namespace that lowers its mode | that is how enforcing is undone |
 */
function mayDeny (change: Change, request: AdmissionRequest, { excludedNamespaces, ownNamespace }: AuditContext, findings: readonly AdmissionFinding[]): boolean {
  const { caller, namespace, operation, plural } = change
  if (isNeverDenied(userOf(request), caller)) return false
  if (namespace === ownNamespace || excludedNamespaces.includes(namespace)) return false
  if (operation === 'DELETE' && (plural === 'pods' || plural === 'namespaces')) return false
  return !findings.some(({ code }) => code === 'AdmissionWeakened')
}
