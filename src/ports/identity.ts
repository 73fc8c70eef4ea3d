import type { Credentials, Identity } from '../core/identity.ts'

/** Credentials that change while the process runs. */
export interface CredentialSource {
  /** Throws UNAVAILABLE while there are none yet. */
  current: () => Credentials
  onChange: (listener: () => void) => Disposable
}

/** Who is not believed any more, though the certificate has not ended. Asked every second for everybody who is connected. */
export interface Revocations {
  /** Why, for people; null for who is believed. `serialNumber` is the certificate's, in upper-case hexadecimal. */
  revoked: (identity: Identity, serialNumber: string) => string | null
}
