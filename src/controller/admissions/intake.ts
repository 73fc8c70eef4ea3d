import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Compile } from 'typebox/compile'
import { AdmissionBatch, MAX_BODY_BYTES, type AdmissionReceipt } from '../../core/admission/batch.ts'
import { AutoshieldError, ERROR_CODES } from '../../core/errors.ts'
import { spiffeId, type Identity } from '../../core/identity.ts'
import type { AdmissionRecord, AdmissionTrail } from './admission-trail.ts'

export interface IntakeParts {
  readonly trail: AdmissionTrail
  /** Who calls, as the TLS layer has proved it; null where there is no certificate. */
  readonly identify: (request: FastifyRequest) => Identity | null
  /** The one who may call. */
  readonly webhook: Identity
}

/** Batches that are being written; each webhook has one under way. */
const MAX_AT_ONCE = 16
const batches = Compile(AdmissionBatch)

/**
 * `POST /v1/admissions`: takes AdmissionBatch of the webhooks to the audit trail, and acknowledges what is durable there.
 * 403 for anybody else, 422 for what cannot be understood (sending it again is of no use), 503 while the trail takes
 * nothing (keep it and send it again).
 */
export function admissionIntake ({ trail, identify, webhook }: IntakeParts): (app: FastifyInstance) => Promise<void> {
  let writing = 0
  return async (app) => {
    app.route({
      method: 'POST',
      url: '/v1/admissions',
      bodyLimit: MAX_BODY_BYTES,
      // Before the body is read: a stranger costs nothing.
      onRequest: async (request, reply) => {
        const caller = identify(request)
        if (caller !== null && spiffeId(caller) === spiffeId(webhook)) return
        refuse(reply, new AutoshieldError('UNTRUSTED', `${caller === null ? 'A caller without a certificate' : spiffeId(caller)} may not report admissions; only ${spiffeId(webhook)} may.`))
      },
      errorHandler: (error, _request, reply) => refuse(reply, asRefusal(error)),
      handler: async (request): Promise<AdmissionReceipt> => {
        const { body } = request
        if (!batches.Check(body)) throw new AutoshieldError('BAD_DATA', `The batch is none: ${firstError(body)}; webhook and controller must be of one version.`)
        if (writing >= MAX_AT_ONCE) throw new AutoshieldError('UNAVAILABLE', `${MAX_AT_ONCE} batches are being written; send it again.`)
        writing++
        try {
          await trail.write(body.items.flatMap((item) => recordsOf(body.boot, item)))
        } finally {
          writing--
        }
        return { acknowledged: Math.max(...body.items.map(({ sequence }) => sequence)) }
      },
    })
  }
}

function recordsOf (boot: string, { sequence, entry, gap }: AdmissionBatch['items'][number]): readonly AdmissionRecord[] {
  const origin = { boot, sequence }
  return [...entry === undefined ? [] : [{ entry, origin }], ...gap === undefined ? [] : [{ gap, origin }]]
}

function firstError (body: unknown): string {
  const [error] = batches.Errors(body)
  return error === undefined ? 'it does not fit the schema' : `${error.instancePath} ${error.message}`
}

/** Fastify's own refusals (no JSON, too long) say that the body can never be taken. */
const asRefusal = (error: unknown): AutoshieldError =>
  error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' && error.statusCode < 500
    ? new AutoshieldError('BAD_DATA', error.message, { cause: error })
    : AutoshieldError.from(error)

function refuse (reply: FastifyReply, { code, message }: AutoshieldError): void {
  reply.code(ERROR_CODES[code].http).send({ code, message })
}
