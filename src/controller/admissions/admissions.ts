import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Identity } from '../../core/identity.ts'
import type { KubernetesObject } from '../../core/kubernetes/object.ts'
import type { AdmissionContext } from '../../ports/admission.ts'
import type { AuditTrail } from '../../ports/audit.ts'
import type { Clock } from '../../ports/clock.ts'
import type { KubernetesApi } from '../../ports/kubernetes.ts'
import type { Checkpoints } from '../../ports/object-store.ts'
import type { Log } from '../log.ts'
import { AdmissionTrail } from './admission-trail.ts'
import { ApiAuditLog } from './api-audit-log.ts'
import type { Every } from './beats.ts'
import { PodContext } from './context.ts'
import { FailOpenWatch } from './fail-open-watch.ts'
import { HeldRecords } from './held-records.ts'
import { admissionIntake } from './intake.ts'
import type { AdmissionMetrics } from './metrics.ts'
import { WebhookWatch } from './webhook-watch.ts'

export interface AdmissionsParts {
  readonly audit: AuditTrail
  readonly api: KubernetesApi
  readonly checkpoints: Checkpoints
  readonly clock: Clock
  readonly every: Every
  readonly log: Log
  readonly metrics: AdmissionMetrics
  /** User names of AutoShield's service accounts. */
  readonly ownUsers: ReadonlySet<string>
  /** The API server's own audit log, where it is given. */
  readonly auditLogFile?: string
  /** Whether one of our webhook configurations is as the registration wants it; absent, its field managers alone decide. */
  readonly isAsWanted?: (object: KubernetesObject) => boolean
}

/**
 * Admissions in the controller: what webhooks report and what is watched beside them goes to the audit trail, and what was
 * found about pods is at hand for detections. Constructing does nothing; `run` watches until its signal aborts.
 */
export class Admissions {
  /** For detections: `ControllerParts.admission`. */
  readonly context: AdmissionContext
  readonly #trail: AdmissionTrail
  readonly #held: HeldRecords
  readonly #webhooks: WebhookWatch
  readonly #failOpen: FailOpenWatch
  readonly #auditLog: ApiAuditLog | null

  constructor ({ audit, api, checkpoints, clock, every, log, metrics, ownUsers, auditLogFile, isAsWanted }: AdmissionsParts) {
    const context = new PodContext()
    this.context = context
    this.#trail = new AdmissionTrail({ audit, context, metrics })
    this.#held = new HeldRecords({ trail: this.#trail, log, every })
    const { keep } = this.#held
    this.#auditLog = auditLogFile === undefined
      ? null
      : new ApiAuditLog({ file: auditLogFile, keep, checkpoints, clock, every, log, isToldElsewhere: ({ plural, name, user }) => ownUsers.has(user) || this.#webhooks.covers(plural, name) })
    this.#webhooks = new WebhookWatch({
      api, keep, checkpoints, clock, every, ...this.#auditLog === null ? {} : { auditLog: this.#auditLog }, ...isAsWanted === undefined ? {} : { isAsWanted },
    })
    this.#failOpen = new FailOpenWatch({ api, keep, checkpoints, clock, every, log })
  }

  /** `POST /v1/admissions`, for the controller's own server. */
  intake (identify: (request: FastifyRequest) => Identity | null, webhook: Identity): (app: FastifyInstance) => Promise<void> {
    return admissionIntake({ trail: this.#trail, identify, webhook })
  }

  /** Rejects where the trail cannot be read. */
  async run (signal: AbortSignal): Promise<void> {
    this.#trail.recall()
    await Promise.all([this.#held.run(signal), this.#webhooks.run(signal), this.#failOpen.run(signal), this.#auditLog?.run(signal)])
    await this.#held.flush() // what the others said at their end
  }
}
