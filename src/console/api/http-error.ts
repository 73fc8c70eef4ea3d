import type { FastifyError } from 'fastify'
import { Type, type Static } from 'typebox'
import { AutoshieldError, ERROR_CODES, type ErrorCode } from '../../core/errors.ts'

/** The one shape of every refusal and failure. */
export const ApiError = Type.Object({
  code: Type.Enum(Object.keys(ERROR_CODES) as ErrorCode[], { description: 'What kind of thing went wrong; closed list.' }),
  message: Type.String({ description: 'One sentence that names the input, the place and the mend.' }),
}, { $id: 'ApiError', additionalProperties: false })
export type ApiError = Static<typeof ApiError>

export interface ErrorAnswer { readonly status: number, readonly body: ApiError }

const answer = (code: ErrorCode, message: string, status: number = ERROR_CODES[code].http): ErrorAnswer =>
  ({ status, body: { code, message } })

/** What HTTP itself knows and the codes do not: fastify's own refusals, each with the situation that proves it. */
const HTTP_REFUSALS: Readonly<Record<string, readonly [number, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'The body is larger than this call accepts; send less.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'Content-Length does not match the body; send the body whole.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'The body must be sent as application/json.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'The body is empty; send a JSON object.'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'The body is not JSON; send a JSON object.'],
  FST_ERR_BAD_URL: [400, 'The path is not a valid URL; percent-encode it.'],
}

/**
 * Total: whatever a handler or fastify threw becomes a status and a body.
 * Unknown things answer 500 without their message, which may hold internals; the caller logs them.
 */
export function toErrorAnswer (thrown: unknown): ErrorAnswer {
  if (thrown instanceof AutoshieldError) {
    return thrown.code === 'INTERNAL' ? internal() : answer(thrown.code, thrown.message)
  }
  if (!(thrown instanceof Error)) return internal()
  const { code, validation, validationContext, statusCode } = thrown as FastifyError
  if (validation !== undefined) {
    return validationContext === 'body' ? answer('BAD_DATA', thrown.message) : answer('USAGE', thrown.message)
  }
  const refusal = Object.hasOwn(HTTP_REFUSALS, code) ? HTTP_REFUSALS[code] : undefined
  if (refusal !== undefined) return answer('USAGE', refusal[1], refusal[0])
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return answer('USAGE', 'The request is malformed.', 400)
  return internal()
}

export const internal = (): ErrorAnswer => answer('INTERNAL', 'A defect of AutoShield; its log has the details under this request\'s id.')
