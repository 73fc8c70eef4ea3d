import type { FastifyPluginAsync } from 'fastify'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { ISSUE_REFUSALS, type IssueRefusalReason } from './issue-refusal.ts'
import type { CertificateIssuer } from './issuer.ts'

const Body = Compile(Type.Object({ publicKey: Type.String({ maxLength: 512 }) }))
const MAX_BODY_BYTES = 4096
/** Projected tokens have about 1,200 characters. */
const BEARER = /^Bearer (?<token>[A-Za-z0-9._~+/=-]{1,8192})$/
const RETRY_AFTER_S: Readonly<Partial<Record<IssueRefusalReason, string>>> = { TooOften: '60', Overloaded: '1', Unavailable: '5' }

/** `POST /v1/certificates`: {publicKey} with a pod's token -> {certificate, authorities}, or {code, message} and a status that says why not. */
export const certificateRoutes = (issuer: Pick<CertificateIssuer, 'issue'>): FastifyPluginAsync => async (app) => {
  app.post('/v1/certificates', { bodyLimit: MAX_BODY_BYTES }, async (request, reply) => {
    const token = BEARER.exec(request.headers.authorization ?? '')?.groups?.['token'] ?? null
    const publicKey = Body.Check(request.body) ? request.body.publicKey : null
    const answer = await issuer.issue({ token, publicKey, peer: request.ip })
    reply.header('cache-control', 'no-store')
    if (!('refused' in answer)) return answer
    const { http, text } = ISSUE_REFUSALS[answer.refused]
    const retryAfter = RETRY_AFTER_S[answer.refused]
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
    return reply.code(http).send({ code: answer.refused, message: `No certificate: ${text}.` })
  })
}
