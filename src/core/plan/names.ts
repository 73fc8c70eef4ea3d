/** Kubernetes takes at most 63 characters in names and label values. */
const MAX_LENGTH = 63

/** `autoshield-NAME-SUFFIX` as a DNS label (RFC 1123). What does not fit is cut and told apart by a checksum of the whole name. */
export function objectName (mitigation: string, suffix: string): string {
  const head = 'autoshield-'
  const words = mitigation.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '')
  const room = MAX_LENGTH - head.length - suffix.length - 1
  if (words === mitigation && words.length <= room) return `${head}${words}-${suffix}`
  const sum = checksum(mitigation)
  return `${head}${words.slice(0, room - sum.length - 1).replace(/-+$/, '') || 'm'}-${sum}-${suffix}`
}

/** A label value that says which pod or mitigation; the same text where it already is one. */
export function labelValue (text: string): string {
  const clean = text.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^[._-]+|[._-]+$/g, '')
  if (clean === text && clean !== '' && clean.length <= MAX_LENGTH) return clean
  const sum = checksum(text)
  return `${clean.slice(0, MAX_LENGTH - sum.length - 1)}-${sum}`.replace(/^-+/, '')
}

/** FNV-1a, 32 bits, in hexadecimal: it tells names apart, it protects nothing. */
function checksum (text: string): string {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash.toString(16).padStart(8, '0')
}
