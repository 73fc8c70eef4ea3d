import { AutoshieldError } from '../../src/core/errors.ts'
import type { CredentialSource } from '../../src/ports/identity.ts'
import { checkCredentials, CREDENTIAL_PROBLEMS } from '../../src/wire/check-credentials.ts'

/** Why a listener over these credentials cannot serve now, or null. Anybody may read it, so it tells no names and times. */
export function certificateProblem (credentials: CredentialSource, nowMs: number): string | null {
  try {
    const refused = checkCredentials(credentials.current(), { nowMs })
    return refused === null ? null : `the serving certificate cannot be used: ${CREDENTIAL_PROBLEMS[refused.problem]}`
  } catch (error) {
    if (AutoshieldError.from(error).code === 'UNAVAILABLE') return 'there is no serving certificate yet'
    throw error
  }
}
