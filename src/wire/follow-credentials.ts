import type { SecureContextOptions, Server } from 'node:tls'
import { AutoshieldError } from '../core/errors.ts'
import type { CredentialSource } from '../ports/identity.ts'

/**
 * Has a TLS server use the newest credentials, from its listening to its closing: new connections get the newest certificate and are
 * measured by the newest bundle, those that are open stay. While there are none, every handshake fails. A session of before a change
 * is not resumed after it, since each certificate comes with ticket keys of its own. `onRefused`: a pair that the TLS layer does not
 * take; the one before stays.
 */
export function followCredentials (server: Server, credentials: CredentialSource, settings: SecureContextOptions, onRefused?: (error: AutoshieldError) => void): void {
  const take = (): void => {
    try {
      const { certificate, key, authorities } = credentials.current()
      server.setSecureContext({ ...settings, cert: certificate, key, ca: authorities })
    } catch (thrown) {
      const error = AutoshieldError.from(thrown)
      if (error.code !== 'UNAVAILABLE') onRefused?.(error) // UNAVAILABLE: there are none yet
    }
  }
  let following: Disposable | null = null
  server.on('listening', () => {
    following ??= credentials.onChange(take)
    take()
  })
  server.on('close', () => {
    following?.[Symbol.dispose]()
    following = null
  })
}
