import { X509Certificate, type KeyObject } from 'node:crypto'
import { AutoshieldError } from '../src/core/errors.ts'
import type { CredentialSource } from '../src/ports/identity.ts'

/** Keys that are trusted to sign, by their SPKI in base64. */
export type Signers = ReadonlyMap<string, X509Certificate>

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** The authorities that are trusted now; read anew when they change. */
export class Authorities {
  readonly #credentials: CredentialSource
  #bundle = ''
  #signers: Signers = new Map()

  constructor (credentials: CredentialSource) {
    this.#credentials = credentials
  }

  current (): Signers {
    const bundle = this.#read()
    if (bundle !== this.#bundle) {
      this.#bundle = bundle
      this.#signers = new Map((bundle.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem)).map((authority) => [nameOf(authority.publicKey), authority]))
    }
    return this.#signers
  }

  /** While there are none, those of before count. */
  #read (): string {
    try {
      return this.#credentials.current().authorities
    } catch (error) {
      if (AutoshieldError.from(error).code === 'UNAVAILABLE') return this.#bundle
      throw error
    }
  }
}

/** Links of a chain; a root may name itself as its issuer. */
const MAX_DEPTH = 5

const nameOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'der' }).toString('base64')

/** Which of these signed it, or what signed it: the chain is the one that the handshake proved. Null where none did. */
export function signerOf (certificate: X509Certificate | undefined, signers: Signers): string | null {
  for (let link = certificate, depth = 0; link !== undefined && depth < MAX_DEPTH; link = link.issuerCertificate, depth++) {
    for (const [name, authority] of signers) if (link.checkIssued(authority) && link.verify(authority.publicKey)) return name
  }
  return null
}
