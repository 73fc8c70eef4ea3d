/** Names that lead to this machine or to a cloud's metadata, which hands out credentials. */
const FORBIDDEN_NAMES = ['localhost', 'metadata', 'metadata.google.internal', 'instance-data']

const MEND = 'Write an address such as "https://internal-api/alert"'

/**
 * Whether a rule may name this address. It is a first gate only: a name may resolve to a forbidden address,
 * so whoever sends the request checks the resolved one again.
 */
export function checkWebhookUrl (text: string): { ok: true } | { ok: false, message: string, mend: string } {
  const url = URL.parse(text)
  if (url === null) return { ok: false, message: 'is no address', mend: MEND }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return { ok: false, message: `has the scheme ${JSON.stringify(url.protocol)}`, mend: 'Use https: or http:' }
  }
  if (url.username !== '' || url.password !== '') {
    return { ok: false, message: 'carries a user name or password', mend: 'Remove it: secrets are given by reference, never in a policy' }
  }
  const host = url.hostname.toLowerCase().replace(/\.$/, '')
  if (FORBIDDEN_NAMES.includes(host) || host.endsWith('.localhost') || isLocalAddress(host)) {
    return { ok: false, message: `leads to ${host}, which is this machine, the link or a metadata service`, mend: 'Name a host that is meant to receive alerts' }
  }
  return { ok: true }
}

/** Loopback, unspecified and link-local, in the form that the URL parser has already made canonical. */
function isLocalAddress (host: string): boolean {
  if (/^(127|0)\.\d+\.\d+\.\d+$/.test(host) || /^169\.254\.\d+\.\d+$/.test(host)) return true
  if (!host.startsWith('[')) return false
  const address = host.slice(1, -1)
  // An IPv4 address inside IPv6 (mapped, compatible, NAT64) could name any of the above.
  return address === '::1' || address === '::' || /^fe[89ab]/.test(address) || /^(::|64:ff9b::)/.test(address)
}
