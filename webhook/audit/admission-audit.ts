import type { AdmissionEntry } from '../../src/core/admission/entry.ts'
import type { DecideInjection, InjectionDecision } from '../../src/core/injection/decision.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { InjectionContext } from '../../src/core/injection/settings.ts'
import type { Namespace } from '../../src/core/kubernetes/object.ts'
import { readObject } from '../../src/core/kubernetes/read-object.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import type { AdmissionLog, Clock, NamespaceDirectory } from '../../src/ports.ts'
import type { AdmissionRequest, AdmissionResponse } from '../review.ts'
import { auditAdmission } from './audit-admission.ts'
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
    const injection = this.#injection(request, namespace)
    const { entry, allowed, status, warnings, auditAnnotations } = auditAdmission(request, { namespace, ownUsers, ownNamespace, excludedNamespaces, injection, nowMs: clock.now() })
    if (entry !== null) log.record(entry)
    return { uid: request.uid, allowed, ...status === undefined ? {} : { status }, ...warnings.length === 0 ? {} : { warnings }, auditAnnotations }
  }

  /** A validating webhook is asked after all mutating ones: the pod is as injection has left it. */
  #injection (request: AdmissionRequest, namespace: Namespace | null): AdmissionEntry['injection'] {
    const { decideInjection } = this.#parts
    const { resource, operation, object, subResource } = request
    if (resource.group !== '' || resource.resource !== 'pods' || (subResource ?? '') !== '' || operation !== 'CREATE' || object === undefined || object === null) return null
    const status = injectionOf(podTemplate(object))
    if (status !== null) return { kind: 'inject', reason: 'Injected', message: status.why }
    const context = decideInjection?.context() ?? null
    return decideInjection === undefined || context === null ? null : whyNot(() => decideInjection.decide({ pod: readObject(object, RESOURCES.pods), namespace }, context))
  }
}

/** A fault in deciding costs the answer to why, never the entry. */
function whyNot (decide: () => InjectionDecision): AdmissionEntry['injection'] {
  try {
    const decision = decide()
    // It should have been injected and was not: the mutating webhook was away, and this one was not.
    if (decision.kind === 'inject') return { kind: 'skip', reason: 'Missed', message: `${decision.decidedBy} asks for an observer, and the pod has none: the injector was not asked.` }
    return { kind: 'skip', reason: decision.reason, message: `${decision.message} (${decision.decidedBy})` }
  } catch (error) {
    return { kind: 'skip', reason: 'DecidingFailed', message: AutoshieldError.from(error).message }
  }
}
