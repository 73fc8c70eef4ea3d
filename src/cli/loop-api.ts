import { Option } from 'commander'
import { AutoshieldError, ERROR_CODES, type ErrorCode } from '../core/errors.ts'

export const apiOption = (): Option => new Option('--api <url>', 'base URL of the running API').default('http://127.0.0.1:8000')

const ANSWER_MS = 10_000

/**
 * One call of the API of the AutoShield that runs; `path` is below /api/v1. Gives the answer, not yet parsed. Throws what the
 * API refused, with its own code and words, or UNAVAILABLE: also where it takes longer than `timeoutMs`, and then it may be done all the same.
 */
export async function callApi (api: string, method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, timeoutMs = ANSWER_MS): Promise<unknown> {
  const sent = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const answer = await fetch(`${api}/api/v1${path}`, { method, ...sent, signal: AbortSignal.timeout(timeoutMs) }).catch((cause: unknown) => {
    if (cause instanceof Error && cause.name === 'TimeoutError') throw new AutoshieldError('UNAVAILABLE', `${api} has not answered within ${timeoutMs / 1000} s. What was asked for may be under way: look before you ask again.`, { cause })
    throw new AutoshieldError('UNAVAILABLE', `no AutoShield answers at ${api}; start one with 'npm start', or name its API with --api.`, { cause })
  })
  const said: unknown = await answer.json().catch(() => null)
  if (answer.ok) return said
  const { code, message } = typeof said === 'object' && said !== null ? { code: 'code' in said ? String(said.code) : '', message: 'message' in said ? String(said.message) : '' } : { code: '', message: '' }
  throw new AutoshieldError(codeOf(code), message === '' ? `${api} answered with HTTP status ${answer.status}` : message)
}

const codeOf = (code: string): ErrorCode => Object.keys(ERROR_CODES).find((known): known is ErrorCode => known === code) ?? 'UNAVAILABLE'
