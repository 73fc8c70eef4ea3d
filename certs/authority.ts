import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, X509Certificate, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { AutoshieldError } from '../src/core/errors.ts'
import { spiffeId, type Credentials, type Identity } from '../src/core/identity.ts'
import { signCertificate } from './x509.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** A leaf lives a day, so that a lost key is worth little. */
export const LEAF_LIFE_MS = DAY_MS
export const AUTHORITY_LIFE_MS = 365 * DAY_MS
/** A new CA is made so long before the old one ends; both are trusted meanwhile. */
export const AUTHORITY_OVERLAP_MS = 30 * DAY_MS
/** Certificates begin a little in the past, for peers whose clocks are behind. */
const SKEW_MS = 60_000

/** Whom to certify. Names beside the identity are for servers: clients check the name or address that they dialled. */
export interface LeafRequest {
  readonly identity: Identity
  readonly dns?: readonly string[]
  readonly ip?: readonly string[]
}

/** A CA's key and every certificate of a CA that is still trusted, newest (the signing one) first. */
export interface AuthorityMaterial {
  readonly key: KeyObject
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]]
}

/** Issues certificates of one trust domain. Holds the CA's key in memory and changes nothing. */
export class Authority {
  /** Every CA to be trusted, PEM, newest first. */
  readonly bundle: string
  readonly #key: KeyObject
  readonly #certificate: X509Certificate

  constructor ({ key, certificates }: AuthorityMaterial) {
    this.#key = key
    this.#certificate = certificates[0]
    this.bundle = certificates.map((certificate) => certificate.toString()).join('')
  }

  /** A day's certificate (PEM) for a key that stays with its workload. */
  issue (request: LeafRequest, publicKey: KeyObject, nowMs: number): string {
    const { identity, dns = [], ip = [] } = request
    return signCertificate({
      subject: `${identity.namespace}/${identity.uid}`.slice(0, 64), // RFC 5280's bound on a common name
      publicKey,
      issuer: commonName(this.#certificate),
      issuerPublicKey: this.#certificate.publicKey,
      issuerKey: this.#key,
      notBefore: new Date(nowMs - SKEW_MS),
      notAfter: new Date(Math.min(nowMs + LEAF_LIFE_MS, Date.parse(this.#certificate.validTo))),
      profile: { uri: spiffeId(identity), dns, ip: ip.map(addressBytes) },
    })
  }

  /** Certificate and key, made here: only for processes that this one starts itself (standalone mode). */
  issueWithKey (request: LeafRequest, nowMs: number): Credentials {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    return {
      certificate: this.issue(request, publicKey, nowMs),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      authorities: this.bundle,
    }
  }
}

/** A new self-signed CA, in front of those that `older` names. */
export function createAuthority (trustDomain: string, nowMs: number, older: readonly X509Certificate[] = []): AuthorityMaterial {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = nameOf(trustDomain, randomBytes(4).toString('hex'))
  const certificate = signCertificate({
    subject: name,
    publicKey,
    issuer: name,
    issuerPublicKey: publicKey,
    issuerKey: privateKey,
    notBefore: new Date(nowMs - SKEW_MS),
    notAfter: new Date(nowMs + AUTHORITY_LIFE_MS),
    profile: 'authority',
  })
  return { key: privateKey, certificates: [new X509Certificate(certificate), ...older] }
}

/** PEM of the key and the certificates in one text, so that a file of it can be replaced atomically. */
export const writeMaterial = ({ key, certificates }: AuthorityMaterial): string =>
  key.export({ type: 'pkcs8', format: 'pem' }).toString() + certificates.map((certificate) => certificate.toString()).join('')

/** Reads what `writeMaterial` wrote. Throws BAD_DATA where it is something else, or the key is not the first CA's. */
export function readMaterial (text: string, from: string): AuthorityMaterial {
  try {
    const key = createPrivateKey(text)
    const [first, ...rest] = (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g) ?? []).map((pem) => new X509Certificate(pem))
    if (first === undefined) throw new RangeError('it has no certificate')
    if (!createPublicKey(key).equals(first.publicKey)) throw new RangeError('its key is not that of its first certificate')
    return { key, certificates: [first, ...rest] }
  } catch (cause) {
    const reason = AutoshieldError.from(cause).message
    throw new AutoshieldError('BAD_DATA', `${from} is no CA of AutoShield (${reason}); put back a good copy, or remove it to have a new CA made.`, { cause })
  }
}

/** Two CAs of one name would leave it to the verifier which one it tries first; and a common name has 64 characters (RFC 5280). */
const nameOf = (trustDomain: string, distinction: string): string => `${trustDomain} ${distinction}`.slice(-64)

/** Whether `createAuthority` made this for the trust domain. Others' roots have other names and keys than `issue` can sign with. */
export function isAuthorityOf (certificate: X509Certificate, trustDomain: string): boolean {
  const name = commonName(certificate)
  return certificate.ca && certificate.subject.startsWith('O=AutoShield\n') && name === nameOf(trustDomain, name.slice(-8)) &&
    certificate.publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1'
}

const commonName = (certificate: X509Certificate): string => /^CN=(?<name>.+)$/m.exec(certificate.subject)?.groups?.['name'] ?? ''

function addressBytes (address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.'), Number)
  if (isIP(address) === 6) return ipv6Bytes(address)
  throw new AutoshieldError('USAGE', `'${address}' is no IP address; a certificate can carry addresses, and names under dns.`)
}

/** The URL parser knows every spelling of an IPv6 address and writes it with hexadecimal groups and one "::" at most. */
function ipv6Bytes (address: string): Uint8Array {
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::')
  const groups = (run: string) => run === '' ? [] : run.split(':').map((group) => parseInt(group, 16))
  const [first, last] = [groups(head), groups(tail ?? '')]
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last]
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}
