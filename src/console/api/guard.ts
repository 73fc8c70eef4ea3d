import { isIP } from 'node:net'
import type { IncomingHttpHeaders } from 'node:http'

export type GuardVerdict = { readonly allowed: true } | { readonly allowed: false, readonly message: string }

const refuse = (message: string): GuardVerdict => ({ allowed: false, message })
const pass: GuardVerdict = { allowed: true }

/** The URL of an origin or authority as a browser understands it; null when it is none. */
function parse (text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null
}

/**
 * Whether a Host header can be meant for us. A page that rebinds its own name to our address still sends that name,
 * so names must be known; a literal address cannot be rebound and is always ours.
 */
function isOurs (authority: string, allowedHosts: ReadonlySet<string>): boolean {
  if (!/^[\w.:[\]-]+$/.test(authority)) return false
  const hostname = parse(`http://${authority}`)?.hostname.toLowerCase()
  if (hostname === undefined || hostname === '') return false
  return isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 || hostname === 'localhost' || allowedHosts.has(hostname)
}

/**
 * Decides whether a request may have come from an operator rather than from a foreign page in the operator's browser.
 *
 * | Host ours | Origin          | Sec-Fetch-Site            | answer |
 * | --------- | --------------- | ------------------------- | ------ |
 * | no        | any             | any                       | refused: DNS rebinding |
 * | yes       | foreign, `null` | any                       | refused: cross-origin call |
 * | yes       | absent, own     | cross-site, same-site     | refused, except a GET that opens a document (a link to a detection) |
 * | yes       | absent, own     | absent, same-origin, none | allowed |
 *
 * Browsers send Origin with every change and Sec-Fetch-Site with everything to localhost or TLS; other clients send
 * neither, and have no operator's browser to abuse.
 */
export function judge (method: string, headers: IncomingHttpHeaders, allowedHosts: ReadonlySet<string>): GuardVerdict {
  const host = headers.host ?? ''
  if (!isOurs(host, allowedHosts)) {
    return refuse(`The Host '${host.slice(0, 100)}' is not one of this console; use its address or localhost, or name the host with --allow-host.`)
  }
  const { origin } = headers
  if (origin !== undefined && parse(origin)?.host !== parse(`http://${host}`)?.host) {
    return refuse(`Requests from pages of ${origin.slice(0, 100)} are not accepted.`)
  }
  const site = headers['sec-fetch-site']
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none'
  const opensDocument = method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  return foreign && !opensDocument ? refuse('Requests from other sites are not accepted.') : pass
}

/** Nothing may be loaded from elsewhere, run inline, be framed, or write markup from text. */
export const PAGE_CSP = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
  "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
].join('; ')

/** swagger-ui writes style attributes and markup of its own, so it gets that much more, on its own path only. */
export const DOCS_CSP = [
  "default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'", "img-src 'self' data:", "connect-src 'self'",
  "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
].join('; ')

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': PAGE_CSP,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
}
