import { randomUUID } from 'node:crypto'
import { boundEntry, cut } from '../../src/core/admission/bounds.ts'
import type { AdmissionEntry, AdmissionFinding } from '../../src/core/admission/entry.ts'
import { modeOf } from '../../src/core/admission/mode.ts'
import { AutoshieldError } from '../../src/core/errors.ts'
import type { DecideInjection, InjectionDecision, SkipReason } from '../../src/core/injection/decision.ts'
import type { InjectionContext } from '../../src/core/injection/settings.ts'
import type { KubernetesObject, Namespace } from '../../src/core/kubernetes/object.ts'
import { readObject } from '../../src/core/kubernetes/read-object.ts'
import { RESOURCES } from '../../src/core/kubernetes/resource.ts'
import type { ReasonCode } from '../../src/core/reason.ts'
import type { AdmissionLog } from '../../src/ports/admission.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { NamespaceDirectory } from '../../src/ports/directories.ts'
import { applyInjection } from '../inject/apply.ts'
import { withMark } from '../inject/mark-pod.ts'
import { patchOf } from '../inject/patch.ts'
import { templateHash } from '../inject/template-hash.ts'
import type { AdmissionRequest } from '../review.ts'
import type { Answer } from './answers.ts'

export interface InjectorParts {
  readonly decide: DecideInjection
  /** The same object until something in it changes; null while it is not known. */
  readonly context: () => InjectionContext | null
  readonly namespaces: NamespaceDirectory
  readonly log: AdmissionLog
  readonly clock: Clock
}

/** What the author of a pod can mend; kubectl prints it. */
const AUTHORS_OWN: ReadonlySet<ReasonCode> = new Set<SkipReason>(['NameTaken', 'BadAnnotation', 'PodSecurity', 'WouldNotEnd', 'TooLarge'])
/** The API server cuts a warning at 256 characters, and drops those beyond 4096 in all. */
const WARNING = 256
const MAX_WARNINGS = 8

/** Answers the mutating webhook: the pod with its observer, or as it is with the reason. */
export class Injector {
  readonly #parts: InjectorParts

  constructor (parts: InjectorParts) {
    this.#parts = parts
  }

  /** Throws for a defect of ours only. */
  review (request: AdmissionRequest): Answer {
    const { namespaces, context: currentContext } = this.#parts
    const namespace = namespaces.byName(request.namespace ?? '')
    const context = currentContext()
    const pod = podOf(request)
    const decision = this.#decide(pod, namespace, context)
    const patch = pod === null || context === null ? [] : patchOf(pod, patched(pod, decision, context))
    this.#record(request, pod, namespace, decision)
    const warnings = warningsOf(decision)
    return {
      response: {
        uid: request.uid,
        allowed: true,
        ...patch.length === 0 ? {} : { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') },
        ...warnings.length === 0 ? {} : { warnings },
        auditAnnotations: { decision: decision.kind, reason: decision.reason, ...context === null ? {} : { revision: context.settings.revision, template: templateHash(context) } },
      },
      outcome: { decision: decision.kind, reason: decision.reason },
    }
  }

  #decide (pod: KubernetesObject | null, namespace: Namespace | null, context: InjectionContext | null): InjectionDecision {
    if (pod === null) return skip('MalformedPod', 'the review is not about the creation of a pod that can be read')
    if (context === null) return skip('NotReady', 'the settings, the cluster\'s version or the authorities are not known yet')
    return this.#parts.decide({ pod, namespace }, context)
  }

  /**
   * The audit puts every pod on record as it came out of here, with what became of injection; here goes what it cannot see
   * any more: findings about the pod as it came in, and a repair. A dry run changes nothing and leaves nothing behind.
   */
  #record (request: AdmissionRequest, pod: KubernetesObject | null, namespace: Namespace | null, decision: InjectionDecision): void {
    if (request.dryRun === true || (decision.findings.length === 0 && decision.reason !== 'Repaired')) return
    const { log, clock } = this.#parts
    const { userInfo, resource, operation } = request
    log.record(boundEntry({
      review: request.uid,
      at: new Date(clock.now()).toISOString(),
      user: userInfo.username ?? '',
      groups: userInfo.groups ?? [],
      operation,
      resource: [resource.group, resource.version, resource.resource].join('/'),
      namespace: request.namespace ?? '',
      name: nameOf(request, pod),
      uid: pod?.metadata.uid ?? '',
      mode: namespace === null ? 'audit' : modeOf(namespace.labels),
      allowed: true,
      findings: [...decision.findings],
      injection: injectionOf(decision),
      seenBy: 'webhook',
    }))
  }
}

function patched (pod: KubernetesObject, decision: InjectionDecision, context: InjectionContext): KubernetesObject {
  if (decision.kind === 'skip' && decision.reason !== 'AlreadyInjected') return pod
  const injected = decision.kind === 'skip' ? pod : applyInjection(pod, decision, context)
  return context.settings.podLabel === 'admission' ? withMark(injected, randomUUID()) : injected
}

const skip = (reason: SkipReason, message: string): InjectionDecision => ({ kind: 'skip', reason, message, mend: '', decidedBy: '', findings: [] })

/** Null where the review is about something else. The request's namespace counts: the object's own may be empty. */
function podOf ({ kind, subResource, operation, object }: AdmissionRequest): KubernetesObject | null {
  const isCreation = kind.group === '' && kind.kind === 'Pod' && operation === 'CREATE' && (subResource ?? '') === ''
  // Without metadata there would be no place in the pod for what the patch adds to it.
  if (!isCreation || object?.['metadata'] === undefined || object['metadata'] === null) return null
  try {
    return readObject(object, RESOURCES.pods)
  } catch (error) {
    if (AutoshieldError.from(error).code === 'BAD_DATA') return null
    throw error
  }
}

/** A name that the API server has yet to complete ends in a hyphen. */
function nameOf ({ name }: AdmissionRequest, pod: KubernetesObject | null): string {
  if (name !== undefined && name !== '') return name
  if (pod === null) return ''
  const { name: own, generateName } = pod.metadata
  return own === '' && typeof generateName === 'string' ? generateName : own
}

const injectionOf = (decision: InjectionDecision): AdmissionEntry['injection'] =>
  ({ kind: decision.kind, reason: decision.reason, message: decision.kind === 'inject' ? `${decision.profile.why} (${decision.decidedBy})` : `${decision.message} (${decision.decidedBy})` })

function warningsOf (decision: InjectionDecision): string[] {
  const own = decision.kind === 'skip' && AUTHORS_OWN.has(decision.reason) ? [`${decision.reason}: not observed: ${decision.message} ${decision.mend}`] : []
  const found = decision.findings.filter(({ code }) => code !== decision.reason).map(({ code, message }: AdmissionFinding) => `${code}: ${message}`)
  // A warning travels in a header, which holds no control characters (RFC 9110, section 5.5); names in it are anybody's.
  return [...own, ...found].slice(0, MAX_WARNINGS).map((text) => cut(`AutoShield: ${text}`.replace(/\p{Cc}/gu, ' '), WARNING))
}
