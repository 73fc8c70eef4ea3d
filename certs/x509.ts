import { createHash, randomBytes, sign, type KeyObject } from 'node:crypto'
import forge from 'node-forge'

// node-forge writes the DER; keys and signatures are node:crypto's, for forge knows no ECDSA. 0.5 ms a certificate.
const { asn1 } = forge
type Asn1 = forge.asn1.Asn1

/** Names that a certificate speaks for. */
export interface AlternativeNames {
  readonly uri: string
  readonly dns: readonly string[]
  /** Raw addresses, 4 or 16 bytes. */
  readonly ip: readonly Uint8Array[]
}

export interface CertificateRequest {
  readonly subject: string
  readonly publicKey: KeyObject
  readonly issuer: string
  readonly issuerPublicKey: KeyObject
  readonly issuerKey: KeyObject
  readonly notBefore: Date
  readonly notAfter: Date
  /** A CA that signs leaves only, or a leaf with its names. */
  readonly profile: 'authority' | AlternativeNames
}

/** Context tags, as forge's typings want them: the universal types of the same numbers. */
const TAGS = { 0: asn1.Type.NONE, 2: asn1.Type.INTEGER, 3: asn1.Type.BITSTRING, 6: asn1.Type.OID, 7: asn1.Type.ODESC } as const
type ContextTag = keyof typeof TAGS

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2', // RFC 5758, section 3.2
  organization: '2.5.4.10',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const

/** A signed X.509 v3 certificate (RFC 5280) as PEM. The serial number is 127 random bits. */
export function signCertificate (request: CertificateRequest): string {
  const algorithm = sequence(oid(OID.ecdsaWithSha256))
  const tbs = sequence(
    context(0, integer(2)), // v3
    primitive(asn1.Type.INTEGER, serialNumber()),
    algorithm,
    name(request.issuer),
    sequence(time(request.notBefore), time(request.notAfter)),
    name(request.subject),
    asn1.fromDer(binary(request.publicKey.export({ type: 'spki', format: 'der' }))),
    context(3, sequence(...extensions(request)))
  )
  const signature = sign('sha256', Buffer.from(asn1.toDer(tbs).getBytes(), 'latin1'), request.issuerKey)
  const der = asn1.toDer(sequence(tbs, algorithm, bitString(signature))).getBytes()
  return forge.pem.encode({ type: 'CERTIFICATE', body: der }).replaceAll('\r', '')
}

function extensions ({ profile, publicKey, issuerPublicKey }: CertificateRequest): Asn1[] {
  const identifiers = [
    extension(OID.subjectKeyIdentifier, false, octets(keyIdentifier(publicKey))),
    extension(OID.authorityKeyIdentifier, false, sequence(contextPrimitive(0, keyIdentifier(issuerPublicKey)))),
  ]
  if (profile === 'authority') {
    return [
      extension(OID.basicConstraints, true, sequence(boolean(true), integer(0))), // signs leaves, no further CA
      extension(OID.keyUsage, true, primitive(asn1.Type.BITSTRING, '\x01\x06')), // keyCertSign, cRLSign
      ...identifiers,
    ]
  }
  return [
    extension(OID.basicConstraints, true, sequence()),
    extension(OID.keyUsage, true, primitive(asn1.Type.BITSTRING, '\x07\x80')), // digitalSignature
    extension(OID.extKeyUsage, false, sequence(oid(OID.serverAuth), oid(OID.clientAuth))),
    extension(OID.subjectAltName, false, sequence(
      contextPrimitive(6, profile.uri),
      ...profile.dns.map((dns) => contextPrimitive(2, dns)),
      ...profile.ip.map((ip) => contextPrimitive(7, binary(ip)))
    )),
    ...identifiers,
  ]
}

const primitive = (type: forge.asn1.Type, value: string): Asn1 => asn1.create(asn1.Class.UNIVERSAL, type, false, value)
const sequence = (...parts: Asn1[]): Asn1 => asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, parts)
const context = (tag: ContextTag, part: Asn1): Asn1 => asn1.create(asn1.Class.CONTEXT_SPECIFIC, TAGS[tag], true, [part])
const contextPrimitive = (tag: ContextTag, value: string): Asn1 => asn1.create(asn1.Class.CONTEXT_SPECIFIC, TAGS[tag], false, value)
const oid = (text: string): Asn1 => primitive(asn1.Type.OID, asn1.oidToDer(text).getBytes())
const integer = (value: number): Asn1 => primitive(asn1.Type.INTEGER, asn1.integerToDer(value).getBytes())
const boolean = (value: boolean): Asn1 => primitive(asn1.Type.BOOLEAN, value ? '\xff' : '\0')
const octets = (value: string): Asn1 => primitive(asn1.Type.OCTETSTRING, value)
const bitString = (value: Uint8Array): Asn1 => primitive(asn1.Type.BITSTRING, `\0${binary(value)}`)
/** forge's byte strings: one character a byte. */
const binary = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** RFC 5280, section 4.1.2.5: UTCTime up to 2049, GeneralizedTime from 2050 on. */
function time (date: Date): Asn1 {
  return date.getUTCFullYear() < 2050
    ? primitive(asn1.Type.UTCTIME, asn1.dateToUtcTime(date))
    : primitive(asn1.Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date))
}

function name (commonName: string): Asn1 {
  const attribute = (type: string, value: string) =>
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, [sequence(oid(type), primitive(asn1.Type.UTF8, value))])
  return sequence(attribute(OID.organization, 'AutoShield'), attribute(OID.commonName, commonName))
}

const extension = (type: string, critical: boolean, value: Asn1): Asn1 =>
  sequence(oid(type), ...(critical ? [boolean(true)] : []), octets(asn1.toDer(value).getBytes()))

/** RFC 7093, section 2, method 1: the first 160 bits of the SHA-256 of the key. */
const keyIdentifier = (key: KeyObject): string =>
  binary(createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest().subarray(0, 20))

/** Positive, and never with a leading zero byte (DER). */
function serialNumber (): string {
  const bytes = randomBytes(16)
  bytes.writeUInt8((bytes.readUInt8(0) & 0x7f) | 0x40, 0)
  return binary(bytes)
}
