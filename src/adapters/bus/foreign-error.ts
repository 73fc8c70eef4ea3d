import { status } from '@grpc/grpc-js'
import { AutoshieldError, type ErrorCode } from '../../core/errors.ts'

/** What each status of a server of ours means for the caller. */
const CODES: Readonly<Partial<Record<number, ErrorCode>>> = {
  [status.INVALID_ARGUMENT]: 'BAD_DATA',
  [status.OUT_OF_RANGE]: 'BAD_DATA',
  [status.FAILED_PRECONDITION]: 'BAD_DATA',
  [status.UNAUTHENTICATED]: 'UNTRUSTED',
  [status.PERMISSION_DENIED]: 'UNTRUSTED',
  [status.UNAVAILABLE]: 'UNAVAILABLE',
  [status.DEADLINE_EXCEEDED]: 'UNAVAILABLE',
  [status.RESOURCE_EXHAUSTED]: 'UNAVAILABLE',
  [status.ABORTED]: 'UNAVAILABLE',
  [status.CANCELLED]: 'UNAVAILABLE',
}

/** Total: what a call to `server` ("the detector at HOST:PORT") threw. Its own words stay in the message. */
export function fromGrpc (thrown: unknown, server: string): AutoshieldError {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'number') return AutoshieldError.from(thrown)
  const details = 'details' in thrown && typeof thrown.details === 'string' ? thrown.details : thrown.message
  return new AutoshieldError(CODES[thrown.code] ?? 'INTERNAL', `${server} answered ${status[thrown.code] ?? thrown.code}: ${details}`, { cause: thrown })
}
