import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import type { Credentials } from '../core/identity.ts'

/** Why a pair is not taken. Closed list; logs and counters carry the names. */
export const CREDENTIAL_PROBLEMS = {
  HalfWritten: 'a part is missing or is no PEM',
  KeyDoesNotFit: 'the key is not that of the certificate',
  NotYetValid: 'the certificate is not valid yet',
  Expired: 'the certificate has ended',
  NameDoesNotFit: 'the certificate does not carry the name',
  Foreign: 'no authority of the bundle that is valid now signed the certificate',
} as const
export type CredentialProblem = keyof typeof CREDENTIAL_PROBLEMS

export interface RefusedCredentials {
  readonly problem: CredentialProblem
  /** One sentence with the times or names that decided. */
  readonly detail: string
}

export interface CredentialDemands {
  readonly nowMs: number
  /** Names that clients will dial; each must be in the certificate. */
  readonly dns?: readonly string[]
}

/** Certificates below one that is trusted: enough for every public and private PKI in use, and a bound on a hostile chain. */
const MAX_CHAIN = 6

/** Null where a process may prove itself with these from now on. */
export function checkCredentials (credentials: Credentials, { nowMs, dns = [] }: CredentialDemands): RefusedCredentials | null {
  const read = readPair(credentials)
  if (typeof read === 'string') return refused('HalfWritten', read)
  const { leaf, intermediates, authorities, keyFits } = read
  if (!keyFits) return refused('KeyDoesNotFit', '')
  const outside = validity(leaf, nowMs)
  if (outside !== null) return refused(outside, `it holds from ${leaf.validFromDate.toISOString()} to ${leaf.validToDate.toISOString()}`)
  const missing = dns.find((name) => leaf.checkHost(name) === undefined)
  if (missing !== undefined) return refused('NameDoesNotFit', `${missing} is not among ${leaf.subjectAltName ?? 'its names (it has none)'}`)
  return isTrusted(leaf, intermediates, authorities, nowMs) ? null : refused('Foreign', `its issuer is ${leaf.issuer.replaceAll('\n', ', ')}`)
}

/** Every certificate in a text of PEM blocks, in their order. Throws where a block is no certificate. */
export const readCertificates = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g) ?? []).map((block) => new X509Certificate(block))

/**
 * When to renew: at two thirds of the life, later by up to a twelfth of it. `spread` in [0, 1) keeps a thousand workloads
 * that started together from coming back together.
 */
export function renewAtMs (certificate: string, spread: number): number {
  const { validFromDate, validToDate } = new X509Certificate(certificate)
  const lifeMs = validToDate.getTime() - validFromDate.getTime()
  return validFromDate.getTime() + lifeMs * (2 / 3 + spread / 12)
}

const refused = (problem: CredentialProblem, detail: string): RefusedCredentials =>
  ({ problem, detail: detail === '' ? CREDENTIAL_PROBLEMS[problem] : `${CREDENTIAL_PROBLEMS[problem]} (${detail})` })

interface Pair {
  readonly leaf: X509Certificate
  readonly intermediates: readonly X509Certificate[]
  readonly authorities: readonly X509Certificate[]
  readonly keyFits: boolean
}

/** What is wrong, as text, where it cannot be read. */
function readPair ({ certificate, key, authorities }: Credentials): Pair | string {
  try {
    const [leaf, ...intermediates] = readCertificates(certificate)
    if (leaf === undefined) return 'there is no certificate'
    const trusted = readCertificates(authorities)
    if (trusted.length === 0) return 'there is no authority'
    return { leaf, intermediates, authorities: trusted, keyFits: createPublicKey(createPrivateKey(key)).equals(leaf.publicKey) }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function validity (certificate: X509Certificate, nowMs: number): 'NotYetValid' | 'Expired' | null {
  if (nowMs < certificate.validFromDate.getTime()) return 'NotYetValid'
  return nowMs >= certificate.validToDate.getTime() ? 'Expired' : null
}

function isTrusted (leaf: X509Certificate, intermediates: readonly X509Certificate[], authorities: readonly X509Certificate[], nowMs: number): boolean {
  let current = leaf
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    const subject = current
    // A self-signed certificate that is its own authority, as cert-manager's SelfSigned issuer makes them.
    if (authorities.some((authority) => authority.fingerprint256 === subject.fingerprint256)) return true
    if (authorities.some((authority) => validity(authority, nowMs) === null && signed(authority, subject))) return true
    const above = intermediates.find((candidate) => candidate.ca && validity(candidate, nowMs) === null && signed(candidate, subject))
    if (above === undefined || above === current) return false
    current = above
  }
  return false
}

const signed = (issuer: X509Certificate, subject: X509Certificate): boolean => subject.checkIssued(issuer) && subject.verify(issuer.publicKey)
