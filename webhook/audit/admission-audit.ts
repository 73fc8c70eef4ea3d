import type { AdmissionEntry } from '../../src/core/admission/entry.ts'
import type { DecideInjection, InjectionDecision } from '../../src/core/injection/decision.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { InjectionContext } from '../../src/core/injection/settings.ts'
import type { InjectionStatus } from '../../src/core/injection/status.ts'
import type { Namespace } from '../../src/core/kubernetes/object.ts'
import { readObject } from '../../src/core/kubernetes/read-object.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import type { AdmissionLog } from '../../src/ports/admission.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { NamespaceDirectory } from '../../src/ports/directories.ts'
import type { AdmissionRequest, AdmissionResponse } from '../review.ts'
import { auditAdmission, type AuditContext } from './audit-admission.ts'
import { injectionOf, podTemplate } from './pod-template.ts'

export interface AdmissionAuditParts {
  readonly log: AdmissionLog
  readonly namespaces: NamespaceDirectory
  readonly clock: Clock
  readonly ownNamespace: string
  readonly ownUsers: ReadonlySet<string>
  readonly excludedNamespaces: readonly string[]
  /** Why a pod was not injected; without it, only what was injected is told. Null context: not known yet. */
  readonly decideInjection?: { readonly decide: DecideInjection, readonly context: () => InjectionContext | null }
}

/** User names of AutoShield's service accounts in its namespace. */
export const ownServiceAccounts = (namespace: string): ReadonlySet<string> =>
  new Set(['autoshield-controller', 'autoshield-detector', 'autoshield-webhook'].map((name) => `system:serviceaccount:${namespace}:${name}`))

/** Answers the validating webhook's reviews, and hands what they say to the log. */
export class AdmissionAudit {
  readonly #parts: AdmissionAuditParts

  constructor (parts: AdmissionAuditParts) {
    this.#parts = parts
  }

  review (request: AdmissionRequest): AdmissionResponse {
    const { log, namespaces, clock, ownUsers, ownNamespace, excludedNamespaces } = this.#parts
    const namespace = request.namespace === undefined || request.namespace === '' ? null : namespaces.byName(request.namespace)
    const { injection, hasTrueStatus } = this.#injection(request, namespace)
    const { entry, allowed, status, warnings, auditAnnotations } = auditAdmission(request, { namespace, ownUsers, ownNamespace, excludedNamespaces, injection, hasTrueStatus, nowMs: clock.now() })
    if (entry !== null) log.record(entry)
    return { uid: request.uid, allowed, ...status === undefined ? {} : { status }, ...warnings.length === 0 ? {} : { warnings }, auditAnnotations }
  }

  /** A validating webhook is asked after all mutating ones: the pod is as injection has left it. */
  #injection (request: AdmissionRequest, namespace: Namespace | null): Pick<AuditContext, 'injection' | 'hasTrueStatus'> {
    const { decideInjection } = this.#parts
    const { resource, operation, object, subResource } = request
    if (resource.group !== '' || resource.resource !== 'pods' || (subResource ?? '') !== '' || operation !== 'CREATE' || object === undefined || object === null) return { injection: null, hasTrueStatus: null }
    const status = injectionOf(podTemplate(object))
    const context = decideInjection?.context() ?? null
    if (decideInjection === undefined || context === null) return { injection: status === null ? null : injected(status), hasTrueStatus: null }
    const decision = decideOr(() => decideInjection.decide({ pod: readObject(object, RESOURCES.pods), namespace }, context))
    if (!('decidedBy' in decision)) return { injection: decision, hasTrueStatus: null }
    const hasTrueStatus = status === null ? null : isBorneOut(status, decision, context)
    return { injection: status !== null && hasTrueStatus === true ? injected(status) : whyNot(decision), hasTrueStatus }
  }
}

type Outcome = NonNullable<AdmissionEntry['injection']>

const injected = ({ why }: InjectionStatus): Outcome => ({ kind: 'inject', reason: 'Injected', message: why })

/** A fault in deciding costs the answer to why, never the entry. */
function decideOr (decide: () => InjectionDecision): InjectionDecision | Outcome {
  try {
    return decide()
  } catch (error) {
    return { kind: 'skip', reason: 'DecidingFailed', message: AutoshieldError.from(error).message }
  }
}

/** Anybody can write a status: it is true where the injector would leave the pod exactly as it is. Of another revision's we know only whose it would be. Null where nothing can be told. */
function isBorneOut (status: InjectionStatus, { reason }: InjectionDecision, { settings }: InjectionContext): boolean | null {
  if (reason === 'NamespaceUnknown' || reason === 'NotReady') return null
  return reason === 'AlreadyInjected' || (reason === 'OtherRevision' && status.revision !== settings.revision)
}

function whyNot (decision: InjectionDecision): Outcome {
  // It should have been injected and was not: the mutating webhook was away, and this one was not.
  if (decision.kind === 'inject') return { kind: 'skip', reason: 'Missed', message: `${decision.decidedBy} asks for an observer, and the pod has none as the injector makes it: the injector was not asked, or the pod was changed after it.` }
  return { kind: 'skip', reason: decision.reason, message: `${decision.message} (${decision.decidedBy})` }
}
