/** Who a workload is: `spiffe://TRUST-DOMAIN/ns/NAMESPACE/pod/UID`. */
export interface Identity {
  readonly trustDomain: string
  readonly namespace: string
  readonly uid: string
}

/** What a process proves itself with, and whom it believes. All PEM. */
export interface Credentials {
  /** The leaf, then intermediates if any. */
  readonly certificate: string
  /** PKCS #8. */
  readonly key: string
  /** Every CA that is trusted now: two while one replaces the other. */
  readonly authorities: string
}

// SPIFFE-ID standard, section 2: a lower-case trust domain, path segments of letters, digits, dots, dashes and
// underscores, at most 2048 bytes. A namespace is a DNS label (RFC 1123).
const PATTERN = /^spiffe:\/\/(?<trustDomain>[a-z0-9._-]{1,255})\/ns\/(?<namespace>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\/pod\/(?<uid>[A-Za-z0-9_-][A-Za-z0-9._-]{0,252})$/

/** Null where the text is no SPIFFE ID of this form. */
export function parseSpiffeId (text: string): Identity | null {
  const groups = PATTERN.exec(text)?.groups
  if (groups === undefined) return null
  const { trustDomain, namespace, uid } = groups
  return trustDomain === undefined || namespace === undefined || uid === undefined ? null : { trustDomain, namespace, uid }
}

/** The text that `parseSpiffeId` reads. */
export const spiffeId = ({ trustDomain, namespace, uid }: Identity): string => `spiffe://${trustDomain}/ns/${namespace}/pod/${uid}`

/**
 * The identity in a certificate that the TLS layer has already verified, from Node's text of its subject alternative
 * names. Null unless there is exactly one URI and it is an identity (X509-SVID standard, section 2). Node quotes names
 * that could be taken for several (CVE-2021-44532); no name of ours needs quotes, so a text with quotes is refused.
 */
export function identityOfPeer (certificate: { readonly subjectaltname?: string | undefined }): Identity | null {
  const names = certificate.subjectaltname ?? ''
  if (names.includes('"')) return null
  const uris = names.split(', ').filter((name) => name.startsWith('URI:'))
  const [uri] = uris
  return uri === undefined || uris.length > 1 ? null : parseSpiffeId(uri.slice('URI:'.length))
}
